package learner

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner/data"
)

// Cache computes features through a backbone and keeps them, so that a sample
// goes through the frozen layers once in its life. On disk it is one
// append-only file per backbone, named after the backbone's hash; a record is
//
//	sample hash (32 bytes) | features (bytes, as the backbone makes them) | CRC-32C, little endian
//
// and a file cut short or damaged by a power cut is read up to its last good
// record. The file holds nothing that the samples themselves do not: it is
// written beside them, never sent.
//
// A Cache is safe for concurrent use.
type Cache struct {
	backbone *Backbone
	workers  int
	log      *slog.Logger

	mu     sync.Mutex
	file   *os.File // nil: nothing is kept
	size   int64    // end of the last good record
	offset map[federation.Hash]int64
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// OpenCache opens the cache of a backbone in a directory, which it creates.
// Features are computed on the given number of goroutines. An empty dir gives
// a cache that keeps nothing.
func OpenCache(dir string, b *Backbone, workers int, log *slog.Logger) (*Cache, error) {
	c := &Cache{backbone: b, workers: workers, log: log, offset: map[federation.Hash]int64{}}
	if dir == "" {
		return c, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the feature cache: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, b.Hash().String()+".features"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the feature cache: %w", err)
	}
	c.file = f
	if err := c.index(); err != nil {
		f.Close()
		return nil, fmt.Errorf("read the feature cache %s: %w", f.Name(), err)
	}
	return c, nil
}

// record is the size of one record in bytes.
func (c *Cache) record() int { return 32 + c.backbone.Features() + 4 }

// index reads the file and remembers where each good record is.
func (c *Cache) index() error {
	r := bufio.NewReaderSize(c.file, 1<<16)
	buf := make([]byte, c.record())
	for {
		if _, err := io.ReadFull(r, buf); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return nil // what follows is no whole record and is written over
			}
			return err
		}
		body := buf[:len(buf)-4]
		if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(buf[len(body):]) {
			return nil
		}
		c.offset[federation.Hash(body)] = c.size
		c.size += int64(len(buf))
	}
}

// Close closes the file.
func (c *Cache) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == nil {
		return nil
	}
	err := c.file.Close()
	c.file = nil
	return err
}

// Features returns the features of the samples, each multiplied by scale, and
// their labels. What is not in the cache yet is computed and added to it; a
// disk that refuses to keep it costs time, not correctness, and is logged.
func (c *Cache) Features(ctx context.Context, samples []data.Sample, scale float64) (Samples, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	width := c.backbone.Features()
	s := Samples{
		Features: make([]float32, len(samples)*width),
		Labels:   make([]int, len(samples)),
	}
	features := make([]uint8, len(samples)*width)
	var missing []data.Sample
	var at []int
	buf := make([]byte, c.record())
	for i, sample := range samples {
		s.Labels[i] = sample.Label
		if !c.read(sample.Hash(c.backbone.Input()), buf, features[i*width:(i+1)*width]) {
			missing, at = append(missing, sample), append(at, i)
		}
	}
	fresh, err := c.backbone.Extract(ctx, missing, c.workers)
	if err != nil {
		return Samples{}, err
	}
	for k, i := range at {
		copy(features[i*width:(i+1)*width], fresh[k*width:(k+1)*width])
	}
	if err := c.write(missing, fresh); err != nil {
		c.log.Warn("features are not kept and will be computed again at the next start", "error", err)
	}
	c.backbone.Floats(s.Features, features, scale)
	return s, nil
}

// read looks a sample up. A record that cannot be read back intact counts as
// absent.
func (c *Cache) read(hash federation.Hash, buf []byte, out []uint8) bool {
	off, ok := c.offset[hash]
	if !ok || c.file == nil {
		return false
	}
	if _, err := c.file.ReadAt(buf, off); err != nil {
		return false
	}
	body := buf[:len(buf)-4]
	if !bytes.Equal(body[:32], hash[:]) || crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(buf[len(body):]) {
		return false
	}
	copy(out, body[32:])
	return true
}

// write appends the records of new samples.
func (c *Cache) write(samples []data.Sample, features []uint8) error {
	if c.file == nil || len(samples) == 0 {
		return nil
	}
	width := c.backbone.Features()
	buf := make([]byte, 0, c.record())
	for i, s := range samples {
		hash := s.Hash(c.backbone.Input())
		buf = append(buf[:0], hash[:]...)
		buf = append(buf, features[i*width:(i+1)*width]...)
		buf = binary.LittleEndian.AppendUint32(buf, crc32.Checksum(buf, castagnoli))
		if _, err := c.file.WriteAt(buf, c.size); err != nil {
			return fmt.Errorf("keep features in %s: %w", c.file.Name(), err)
		}
		c.offset[hash] = c.size
		c.size += int64(len(buf))
	}
	return nil
}
