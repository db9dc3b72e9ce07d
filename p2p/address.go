package p2p

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"syscall"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
)

var (
	// ErrBadAddress: the text is no multiaddr that bristled can use there.
	ErrBadAddress = errors.New("not a usable multiaddr")

	// ErrAddressInUse: another socket listens there.
	ErrAddressInUse = errors.New("address is in use; stop the other program or choose another port in the configuration (port 0 takes a free one)")
)

// AddressError says which configured address cannot be used. It wraps
// [ErrBadAddress], [ErrAddressInUse] or what the operating system said.
type AddressError struct {
	Use     string // "listen" or "peer"
	Address string // as configured
	Err     error
}

func (e *AddressError) Error() string {
	return fmt.Sprintf("%s address %q: %v", e.Use, e.Address, e.Err)
}

// Unwrap returns the cause.
func (e *AddressError) Unwrap() error { return e.Err }

const (
	listenExample = "it should look like /ip4/0.0.0.0/tcp/4001 or /ip4/0.0.0.0/udp/4001/quic-v1"
	peerExample   = "it should look like /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW..."
)

// parseListen reads the addresses to listen on.
func parseListen(addrs []string) ([]ma.Multiaddr, error) {
	parsed := make([]ma.Multiaddr, len(addrs))
	for i, s := range addrs {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			return nil, &AddressError{"listen", s, fmt.Errorf("%w (%w); %s", ErrBadAddress, err, listenExample)}
		}
		parsed[i] = a
	}
	return parsed, nil
}

// parsePeers reads the addresses of peers, each ending in /p2p/ID, and merges
// those of one peer. The result is in order of peer IDs; self is left out, so
// that all machines can share one list.
func parsePeers(addrs []string, self peer.ID) ([]peer.AddrInfo, error) {
	byID := map[peer.ID]peer.AddrInfo{}
	for _, s := range addrs {
		info, err := peer.AddrInfoFromString(s)
		if err != nil {
			return nil, &AddressError{"peer", s, fmt.Errorf("%w (%w); %s", ErrBadAddress, err, peerExample)}
		}
		if len(info.Addrs) == 0 {
			return nil, &AddressError{"peer", s, fmt.Errorf("%w (no address before /p2p); %s", ErrBadAddress, peerExample)}
		}
		if info.ID == self {
			continue
		}
		known := byID[info.ID]
		byID[info.ID] = peer.AddrInfo{ID: info.ID, Addrs: append(known.Addrs, info.Addrs...)}
	}
	infos := make([]peer.AddrInfo, 0, len(byID))
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		infos = append(infos, byID[id])
	}
	return infos, nil
}

// listen opens every address or none. libp2p's own start is content with one
// of several, which would leave a peer half deaf without a word.
func listen(sw *swarm.Swarm, addrs []ma.Multiaddr) error {
	for _, a := range addrs {
		err := sw.AddListenAddr(a)
		switch {
		case err == nil:
			continue
		case errors.Is(err, swarm.ErrNoTransport):
			err = fmt.Errorf("%w (%w); %s", ErrBadAddress, err, listenExample)
		case inUse(err):
			err = fmt.Errorf("%w (%w)", ErrAddressInUse, err)
		}
		return &AddressError{"listen", a.String(), err}
	}
	return nil
}

func inUse(err error) bool {
	const wsaAddrInUse = 10048 // syscall.EADDRINUSE is a made-up number on Windows
	errno, ok := errors.AsType[syscall.Errno](err)
	return ok && (errno == syscall.EADDRINUSE || runtime.GOOS == "windows" && errno == wsaAddrInUse)
}
