package store

import (
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// maxUnpacked bounds a record or a list of verdicts in bytes.
const maxUnpacked = 256 << 20

// The encoder and the decoder are shared by all stores of the process; they
// are small, keep no goroutines and may be used concurrently.
var (
	packer = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(128<<10), zstd.WithLowerEncoderMem(true))
		if err != nil {
			panic(err) // an option is wrong
		}
		return e
	})
	unpacker = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxUnpacked), zstd.WithDecoderLowmem(true))
		if err != nil {
			panic(err)
		}
		return d
	})
)

// packed returns the part that stores b under k, compressed if that helps.
func packed(k key, b []byte) part {
	layout := byte(0)
	if z := packer().EncodeAll(b, nil); len(z) < len(b) {
		b, layout = z, layoutZstd
	}
	return part{key: k, layout: layout, size: int64(len(b)), write: func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	}}
}

// unpack undoes the compression of packed.
func unpack(b []byte) ([]byte, error) {
	out, err := unpacker().DecodeAll(b, nil)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrCorrupt, err)
	}
	return out, nil
}
