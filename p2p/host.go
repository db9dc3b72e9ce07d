package p2p

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p"
	coreconn "github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/x/rate"
)

// What an edge device spends on connections. A federation may have more
// peers than that: gossip reaches them over several hops.
const (
	fewConnections  = 64 // trimmed down to this many
	manyConnections = 96 // when there are more than this
	maxConnections  = 192
	maxPerIP        = 64      // a site's peers may share one address
	maxLibp2pMemory = 1 << 27 // 128 MiB of reserved windows; far less is ever touched
	newConnection   = 20 * time.Second
)

// newHost returns a host that listens nowhere yet: nobody may reach it before
// gossip is ready to answer.
func newHost(identity Identity, gater coreconn.ConnectionGater, traffic metrics.Reporter) (host.Host, *swarm.Swarm, error) {
	options, err := hostOptions(identity, gater, traffic)
	if err != nil {
		return nil, nil, err
	}
	h, err := libp2p.New(options...)
	if err != nil {
		return nil, nil, fmt.Errorf("starting libp2p: %w", err)
	}
	return h, h.Network().(*swarm.Swarm), nil
}

// hostOptions is the one place that decides what a host can do. Relays, NAT
// traversal and closed networks come in here.
func hostOptions(identity Identity, gater coreconn.ConnectionGater, traffic metrics.Reporter) ([]libp2p.Option, error) {
	resources, err := newResources()
	if err != nil {
		return nil, fmt.Errorf("starting libp2p's resource manager: %w", err)
	}
	connections, err := connmgr.NewConnManager(fewConnections, manyConnections, connmgr.WithGracePeriod(newConnection))
	if err != nil {
		return nil, fmt.Errorf("starting libp2p's connection manager: %w", err)
	}
	return []libp2p.Option{
		libp2p.Identity(identity.key),
		libp2p.UserAgent("bristled"),
		libp2p.ProtocolVersion("bristled/1"),
		libp2p.NoListenAddrs,
		// libp2p shares TCP ports between sockets (SO_REUSEPORT) to punch
		// holes. Two daemons on one port would then both start, and each
		// would get half of the connections.
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
		libp2p.Transport(quic.NewTransport),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		libp2p.ResourceManager(resources),
		libp2p.ConnectionManager(connections),
		libp2p.ConnectionGater(gater),
		libp2p.BandwidthReporter(traffic),
		libp2p.DisableRelay(),
		libp2p.DisableIdentifyAddressDiscovery(), // of use behind a NAT only
		libp2p.Ping(false),
		libp2p.DisableMetrics(),
	}, nil
}

func newResources() (network.ResourceManager, error) {
	scaling := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&scaling)
	limits := rcmgr.PartialLimitConfig{
		System: rcmgr.ResourceLimits{
			Conns:         maxConnections,
			ConnsInbound:  maxConnections,
			ConnsOutbound: maxConnections,
			Memory:        maxLibp2pMemory,
		},
	}.Build(scaling.Scale(maxLibp2pMemory, 256))
	// libp2p expects strangers from everywhere and allows 8 connections per
	// address and one new in 5 s; here a whole site may sit behind one.
	loopback := []rate.PrefixLimit{
		{Prefix: netip.MustParsePrefix("127.0.0.0/8")}, // no limit
		{Prefix: netip.MustParsePrefix("::1/128")},
	}
	perSite := func(bits int) []rate.SubnetLimit {
		return []rate.SubnetLimit{{PrefixLength: bits, Limit: rate.Limit{RPS: 1, Burst: maxPerIP}}}
	}
	return rcmgr.NewResourceManager(
		rcmgr.NewFixedLimiter(limits),
		rcmgr.WithMetricsDisabled(),
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: maxPerIP}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: maxPerIP}},
		),
		rcmgr.WithConnRateLimiters(&rate.Limiter{
			NetworkPrefixLimits: loopback,
			SubnetRateLimiter: rate.SubnetLimiter{
				IPv4SubnetLimits: perSite(32),
				IPv6SubnetLimits: perSite(56),
				GracePeriod:      time.Minute,
			},
		}),
	)
}
