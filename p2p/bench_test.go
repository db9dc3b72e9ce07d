package p2p

import (
	"sync"
	"testing"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/cputime"
)

// BenchmarkAllToAll is the demo's traffic: ten hosts in one process, each
// connected to all, each publishing as fast as the others receive.
func BenchmarkAllToAll(b *testing.B) {
	for _, c := range []struct {
		name    string
		rows    federation.RowFormat
		classes int
	}{
		{"4 int8 rows, 3 KB", federation.RowsInt8, 4},
		{"10 float32 rows, 32 KB", federation.RowsFloat32, 10},
	} {
		b.Run(c.name, func(b *testing.B) {
			const hosts = 10
			m := testManifest("all to all")
			m.Backbone.Features = 800
			m.Wire.Rows = c.rows
			m.Wire.MaxMessage = m.MaxUpdateSize()
			var networks []*Network
			var known []string
			for range hosts {
				n := start(b, Config{Manifest: m, Peers: known})
				networks = append(networks, n)
				known = append(known, n.Addrs()...)
			}
			for _, n := range networks {
				members(b, n, hosts-1)
			}
			before := total(networks)
			cpu := cputime.Used()
			b.ResetTimer()
			seq := uint64(0)
			for b.Loop() {
				seq++
				var all sync.WaitGroup
				for _, n := range networks {
					all.Go(func() {
						if err := n.Publish(b.Context(), testUpdate(m, n.ID(), seq, c.classes)); err != nil {
							b.Error(err)
						}
						for range hosts - 1 {
							next(b, n)
						}
					})
				}
				all.Wait()
			}
			b.StopTimer()
			cpu = cputime.Used() - cpu
			after := total(networks)
			deliveries := float64(after.Received - before.Received)
			rounds := float64(b.N)
			b.ReportMetric(deliveries/b.Elapsed().Seconds(), "deliveries/s")
			b.ReportMetric(cpu.Seconds()*1e6/deliveries, "cpu-us/delivery")
			b.ReportMetric(float64(after.Duplicates-before.Duplicates)/deliveries, "duplicates/delivery")
			b.ReportMetric(float64(after.TrafficOut-before.TrafficOut)/rounds/hosts, "wire-B/peer/round")
			b.ReportMetric(float64(after.SentBytes-before.SentBytes)/rounds/hosts, "sent-B/peer/round")
			if after.Unsent+after.Overrun+after.Superseded > 0 {
				b.Errorf("lost some: %+v", after)
			}
		})
	}
}

func total(networks []*Network) Stats {
	var sum Stats
	for _, n := range networks {
		s := n.Stats()
		sum.Received += s.Received
		sum.Duplicates += s.Duplicates
		sum.TrafficOut += s.TrafficOut
		sum.SentBytes += s.SentBytes
		sum.Unsent += s.Unsent
		sum.Overrun += s.Overrun
		sum.Superseded += s.Superseded
	}
	return sum
}
