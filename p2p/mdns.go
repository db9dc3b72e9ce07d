package p2p

import (
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"

	"github.com/bristle-fl/bristled/federation"
)

// mdnsService is the name under which the peers of a federation find each
// other in the local network. It holds the beginning of the federation's ID,
// so that others are not dialled; a service name has at most 15 letters.
func mdnsService(id federation.ID) string {
	return "_b" + id.String()[:14] + "._udp"
}

// startMDNS begins to look for peers. Without multicast there is nobody to
// find that way, which is no reason not to start.
func (n *Network) startMDNS() {
	service := mdns.NewMdnsService(n.host, mdnsService(n.federation), found{n})
	if err := service.Start(); err != nil {
		n.log.Warn("cannot look for peers in the local network; configured ones are dialled all the same", "error", err)
		return
	}
	n.mdns = service
}

// found is told by mDNS of peers, which anybody in the local network can make
// up: keep takes no more than a few.
type found struct{ n *Network }

func (f found) HandlePeerFound(info peer.AddrInfo) { f.n.keep(info, true) }
