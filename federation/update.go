package federation

// PeerID is the text form of a libp2p peer ID: the name of one key pair.
type PeerID string

// RowFormat says how the weights of an update travel.
type RowFormat string

const (
	// RowsInt8 sends each row as int8 with a float32 scale of its own,
	// max|w|/127: 3,216 bytes for four rows of 800 features.
	RowsInt8 RowFormat = "int8"
	// RowsFloat32 sends each weight as four bytes.
	RowsFloat32 RowFormat = "float32"
)

// Update is what a peer publishes in one round.
type Update struct {
	Federation ID
	Sender     PeerID
	// Seq grows with every update of a sender and is never used twice, not
	// even after a crash.
	Seq uint64
	// Round is the sender's own count of rounds. Peers do not share rounds.
	Round uint64
	// Claims are the classes the sender says it has data of: ascending,
	// distinct, at least one.
	Claims []int
	// Rows are the rows that travel: those of Claims or the whole head,
	// depending on the rule. Every claimed class has its row.
	Rows Rows
	// Prototypes is the hash of the set of class means that the sender has
	// committed itself to, and Epoch that set's epoch; zero without one.
	Prototypes Hash
	Epoch      uint64
}
