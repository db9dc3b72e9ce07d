package experiment

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrLinks is wrapped by the errors about the file of a topology.
var ErrLinks = errors.New("bad file of links")

// linkList is the links of a file.
type linkList struct {
	links  [][2]int
	digest string
	peers  int // one more than the greatest number
	degree int // most links of one peer
}

// file reads the links of a file once: lines of two numbers of peers, of at most
// 1 MiB together. Empty lines and lines that begin with # are comments.
func (m *memo) file(path string) (*linkList, error) {
	if path == "" {
		return nil, fmt.Errorf("%w: topology.kind is file and topology.file is not given", ErrImpossible)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(m.dir, path)
	}
	if l, ok := m.links[path]; ok {
		return l, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLinks, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLinks, err)
	}
	links, err := parseLinks(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	l := &linkList{links: links, digest: fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, links)))}
	degree, seen := map[int]int{}, map[[2]int]bool{}
	for _, link := range links {
		a, b := min(link[0], link[1]), max(link[0], link[1])
		l.peers = max(l.peers, b+1)
		// A link to itself is none, and one that is there twice is one.
		if a == b || seen[[2]int{a, b}] {
			continue
		}
		seen[[2]int{a, b}] = true
		degree[a]++
		degree[b]++
		l.degree = max(l.degree, degree[a], degree[b])
	}
	m.links[path] = l
	return l, nil
}

func parseLinks(b []byte) ([][2]int, error) {
	if len(b) > maxFile {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", ErrLinks, len(b), maxFile)
	}
	var links [][2]int
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, maxFile+1)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		var link [2]int
		words := strings.Fields(line)
		ok := len(words) == 2
		for i := 0; ok && i < 2; i++ {
			v, err := strconv.Atoi(words[i])
			link[i], ok = v, err == nil && v >= 0 && v < maxPeers
		}
		if !ok {
			return nil, fmt.Errorf("%w: line %d is %.40q; it is two numbers of peers from 0 to %d", ErrLinks, n, line, maxPeers-1)
		}
		links = append(links, link)
	}
	return links, nil
}
