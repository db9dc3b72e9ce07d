package onnx

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/internal/elements"
	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
)

// ReadFile reads a model from a file, and its tensors from other files of the
// same folder if it refers to them ("external data"). References that lead
// out of the folder, also through links, are refused.
func ReadFile(path string) (*graph.Graph, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read model: %s is not a file", path)
	}
	if info.Size() > maxFile {
		return nil, tooLong(info.Size())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("read model: open its folder: %w", err)
	}
	defer root.Close()
	f := &folder{root: root, left: map[string]int64{}, total: int64(len(b))}
	defer f.close()
	return unmarshal(b, f)
}

// folder reads tensors from the files beside a model.
type folder struct {
	root *os.Root
	// left is for every file how much of it no tensor has taken. Without it,
	// many tensors of the same bytes would make a small file take much memory.
	left  map[string]int64
	total int64 // length of all files

	open   *os.File // the file that was read last
	name   string   // its name
	buffer []byte
}

func (f *folder) close() {
	if f.open != nil {
		f.open.Close()
	}
}

// tensor reads a tensor of another file. It allocates once its bytes are known
// to be there.
func (f *folder) tensor(name string, p *onnxpb.TensorProto, k elements.Kind, dims []int) (*graph.Tensor, error) {
	size := int64(graph.Size(dims)) * int64(k.Width())
	location, offset := "", int64(0)
	for _, e := range p.GetExternalData() {
		var err error
		switch e.GetKey() {
		case "location":
			location = e.GetValue()
		case "offset":
			offset, err = strconv.ParseInt(e.GetValue(), 10, 64)
		case "length":
			var length int64
			if length, err = strconv.ParseInt(e.GetValue(), 10, 64); err == nil && length != size {
				return nil, graph.Corrupt("the tensor %.80q of shape %v has %d bytes in another file", name, dims, length)
			}
		}
		if err != nil {
			return nil, graph.Corrupt("the tensor %.80q has the %s %.80q in another file", name, e.GetKey(), e.GetValue())
		}
	}
	local := filepath.FromSlash(location)
	if !filepath.IsLocal(local) {
		return nil, graph.Corrupt("the tensor %.80q is in the file %.80q, outside the model's folder", name, location)
	}
	if size == 0 {
		return elements.New(k.Type(), dims), nil
	}
	length, err := f.use(filepath.Clean(local))
	if err != nil {
		return nil, fmt.Errorf("tensor %.80q of the model: %w", name, err)
	}
	if offset < 0 || offset > length || size > length-offset {
		return nil, graph.Corrupt("the tensor %.80q is at bytes %d to %d of the file %.80q, which has %d", name, offset, offset+size, location, length)
	}
	if f.left[f.name] -= size; f.left[f.name] < 0 {
		return nil, graph.Corrupt("tensors share bytes of the file %.80q", location)
	}
	t := elements.New(k.Type(), dims)
	return t, f.fill(t, k, name, offset, size)
}

// use opens a file, unless it is open, and returns its length.
func (f *folder) use(name string) (int64, error) {
	if f.open == nil || f.name != name {
		f.close()
		f.open = nil
		// Opening a pipe would wait for its other end.
		info, err := f.root.Stat(name)
		if err != nil {
			return 0, fmt.Errorf("%w: put the file beside the model", err)
		}
		if !info.Mode().IsRegular() {
			return 0, graph.Corrupt("%.80q is not a file", name)
		}
		if f.open, err = f.root.Open(name); err != nil {
			f.open = nil
			return 0, err
		}
		f.name = name
	}
	info, err := f.open.Stat()
	if err != nil {
		return 0, err
	}
	if _, seen := f.left[name]; !seen {
		f.left[name] = info.Size()
		// Not f.total += info.Size(), which a sparse file could overflow.
		if info.Size() > maxFile-f.total {
			return 0, tooLong(info.Size())
		}
		f.total += info.Size()
	}
	return info.Size(), nil
}

// fill fills a tensor from bytes of the open file.
func (f *folder) fill(t *graph.Tensor, k elements.Kind, name string, offset, size int64) error {
	if f.buffer == nil {
		f.buffer = make([]byte, 1<<16) // whole elements of every kind
	}
	section := io.NewSectionReader(f.open, offset, size)
	for at := int64(0); at < size; {
		b := f.buffer[:min(int64(len(f.buffer)), size-at)]
		if _, err := io.ReadFull(section, b); err != nil {
			return fmt.Errorf("tensor %.80q of the model, in the file %q: %w", name, f.name, err)
		}
		if err := elements.Put(t, k, int(at)/k.Width(), b); err != nil {
			return inTensor(name, err)
		}
		at += int64(len(b))
	}
	return nil
}
