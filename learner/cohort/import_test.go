package cohort

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// noon is when imports of these tests take place.
var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.FixedZone("CET", 3600))

// options has a key of one byte again and again.
func options(key byte) ImportOptions {
	return ImportOptions{Workers: 3, Now: func() time.Time { return noon }, Random: bytes.NewReader(bytes.Repeat([]byte{key}, 32))}
}

func bring(t testing.TB, dir, labels, store string, o ImportOptions) *Imported {
	t.Helper()
	if labels != "" {
		labels = filepath.Join(dir, labels)
	}
	r, err := Import(context.Background(), Source{Dir: dir, Labels: labels}, store, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ward is a collection of everything.
func ward(t testing.TB) string {
	t.Helper()
	grey16 := image.NewGray16(image.Rect(0, 0, 9, 7))
	for i := range grey16.Pix {
		grey16.Pix[i] = uint8(i * 41)
	}
	return tree(t, map[string][]byte{
		"SMITH_jane_1.png": pngOf(t, scan(1, 20, 10)),
		"SMITH_jane_2.png": pngOf(t, grey16),
		"jones.jpg":        jpegOf(t, scan(2, 16, 16)),
		"jones.dcm":        dicomOf(record{"MRN4711", "Jones^Tom"}, 12, 9, ramp(3)),
		"colour.png":       pngOf(t, colored(8, 8)),
		"colour.jpg":       jpegOf(t, colored(16, 16)),
		"SMITH_cut.png":    pngOf(t, scan(5, 20, 10))[:30],
		"labels.csv": []byte("file,patient,label,split\n" +
			"SMITH_jane_1.png,MRN0815,sick,train\nSMITH_jane_2.png,MRN0815,well,train\njones.jpg,MRN4711,sick,test\njones.dcm,MRN4711,sick,test\n" +
			"colour.png,MRN9001,well,test\ncolour.jpg,MRN9002,well,train\nSMITH_cut.png,MRN0815,sick,train\nabsent.png,MRN1,,\n"),
	})
}

// secretive looks for what must not be in a store.
func secretive(t testing.TB, store string) {
	t.Helper()
	err := filepath.WalkDir(store, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, word := range []string{"SMITH", "jane", "jones", "Jones", "MRN", "colour", ".dcm", ".jpg", "labels"} {
			if bytes.Contains(b, []byte(word)) || strings.Contains(path[len(store):], word) {
				t.Errorf("%s has %q in it", path, word)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// contents returns the bytes of all files of a store.
func contents(t testing.TB, store string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(store, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[path[len(store)+1:]] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func auditOf(t testing.TB, store string) []auditLine {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(store, auditName))
	if err != nil {
		t.Fatal(err)
	}
	var lines []auditLine
	for line := range bytes.Lines(b) {
		var l auditLine
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		lines = append(lines, l)
	}
	return lines
}

func TestImport(t *testing.T) {
	dir, store := ward(t), filepath.Join(t.TempDir(), "deep", "store")
	r := bring(t, dir, "labels.csv", store, options(7))
	want := &Imported{Store: store, Read: 7, Added: 6, Refused: []Refused{{"SMITH_cut.png", "the file ends too early"}}, LeftOut: 1, Images: 6, Patients: 4}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
	secretive(t, store)

	// The files are named by their hashes, and have nothing but pixels.
	for name, b := range contents(t, store) {
		if !strings.HasPrefix(name, samplesName) {
			continue
		}
		sum := sha256.Sum256([]byte(b))
		if name != filepath.FromSlash(sampleFile(sum)) {
			t.Errorf("%s has the hash %x", name, sum)
		}
		for at := 8; at < len(b); { // the chunks of PNG
			size := int(b[at])<<24 | int(b[at+1])<<16 | int(b[at+2])<<8 | int(b[at+3])
			if kind := b[at+4 : at+8]; kind != "IHDR" && kind != "IDAT" && kind != "IEND" {
				t.Errorf("%s has a chunk %s", name, kind)
			}
			at += 12 + size
		}
	}
	if runtime.GOOS != "windows" {
		for _, name := range []string{keyName, indexName, auditName} {
			if info, err := os.Stat(filepath.Join(store, name)); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", name, info.Mode(), err)
			}
		}
	}

	// What is learned from the store is what is learned from the source.
	from, to := load(t, open(t, dir, "labels.csv"), [3]int{3, 24, 24}, 2), load(t, open(t, store, ""), [3]int{3, 24, 24}, 2)
	if diff := cmp.Diff(from.Set.Classes, to.Set.Classes); diff != "" {
		t.Error(diff)
	}
	key := secret(bytes.Repeat([]byte{7}, 32))
	rows := map[string]int{}
	for i, s := range to.Set.Samples {
		rows[fmt.Sprint(s.Owner, s.Label, to.Origins[i].Split, to.Origins[i].Size)] = i
	}
	for i, s := range from.Set.Samples {
		k, ok := rows[fmt.Sprint(key.pseudonym(s.Owner), s.Label, from.Origins[i].Split, from.Origins[i].Size)]
		if !ok {
			t.Errorf("%s is not in the store", from.Origins[i].File)
			continue
		}
		tolerance := 0
		if strings.HasPrefix(from.Origins[i].File, "colour") {
			tolerance = 1 // red, green and blue are rounded to bytes before the resize
		}
		for p, v := range s.Pixels {
			if got := int(to.Set.Samples[k].Pixels[p]); got-int(v) > tolerance || int(v)-got > tolerance {
				t.Errorf("%s: pixel %d is %d, in the store %d", from.Origins[i].File, p, v, got)
				break
			}
		}
	}
}

func TestImportAudit(t *testing.T) {
	dir, store := ward(t), t.TempDir()
	bring(t, dir, "labels.csv", store, options(7))
	lines := auditOf(t, store)
	names := []string{"SMITH_jane_1.png", "SMITH_jane_2.png", "jones.jpg", "jones.dcm", "colour.png", "colour.jpg", "SMITH_cut.png"}
	formats := []string{"PNG", "PNG", "JPEG", "DICOM 1.2.840.10008.1.2.1", "PNG", "JPEG", ""}
	if len(lines) != len(names) {
		t.Fatalf("%d lines", len(lines))
	}
	for i, name := range names {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		want := auditLine{Time: noon.UTC(), SHA256: hex.EncodeToString(sum[:]), Bytes: int64(len(b)), Format: formats[i], Outcome: outcomeStored, Sample: lines[i].Sample}
		switch name {
		case "SMITH_cut.png":
			want.Outcome, want.Sample, want.Reason = outcomeRefused, "", "the file ends too early"
		case "jones.dcm":
			want.Dropped = []string{"PatientName", "PatientID"}
		}
		if diff := cmp.Diff(want, lines[i]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if want.Sample != "" {
			if _, err := os.Stat(filepath.Join(store, samplesName, want.Sample[:2], want.Sample+".png")); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestImportAgain(t *testing.T) {
	dir, store := ward(t), t.TempDir()
	bring(t, dir, "labels.csv", store, options(7))
	before := contents(t, store)
	o := options(8) // a new store would have another key
	o.Workers = 1
	r := bring(t, dir, "labels.csv", store, o)
	if r.Added != 0 || r.Known != 6 || len(r.Refused) != 1 || r.Images != 6 || r.Patients != 4 {
		t.Errorf("imported %+v", r)
	}
	after := contents(t, store)
	if lines := auditOf(t, store); len(lines) != 14 || lines[7].Outcome != outcomeKnown || lines[7].Sample != lines[0].Sample || lines[13].Outcome != outcomeRefused {
		t.Errorf("audit log %+v", lines)
	}
	delete(before, auditName)
	delete(after, auditName)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}

	// More of a patient adds to the same pseudonym.
	more := tree(t, map[string][]byte{"x.png": pngOf(t, scan(50, 20, 10)), "y.png": pngOf(t, scan(51, 20, 10)), "l.csv": []byte("file,patient,label,split\nx.png,MRN0815,sick,train\ny.png,MRN5,sick,val\n")})
	if r := bring(t, more, "l.csv", store, options(9)); r.Added != 2 || r.Images != 8 || r.Patients != 5 {
		t.Errorf("imported %+v", r)
	}
	perPatient := map[string]int{}
	for _, image := range open(t, store, "").Images {
		perPatient[image.Patient]++
	}
	pseudonym := secret(bytes.Repeat([]byte{7}, 32)).pseudonym("MRN0815")
	if perPatient[pseudonym] != 3 || len(perPatient) != 5 || !strings.HasPrefix(pseudonym, "P-") || len(pseudonym) != 14 {
		t.Errorf("%d images of %s, %d patients", perPatient[pseudonym], pseudonym, len(perPatient))
	}
}

// The order of the index, and what is in a store, depend on the images alone.
func TestImportOrder(t *testing.T) {
	dir := ward(t)
	var all []map[string]string
	for _, workers := range []int{1, 2, 8} {
		store := t.TempDir()
		o := options(7)
		o.Workers = workers
		bring(t, dir, "labels.csv", store, o)
		all = append(all, contents(t, store))
	}
	for _, other := range all[1:] {
		if diff := cmp.Diff(all[0], other); diff != "" {
			t.Error(diff)
		}
	}
	rows, err := csv.NewReader(strings.NewReader(all[0][indexName])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"file", "patient", "label", "split"}, rows[0]); diff != "" {
		t.Error(diff)
	}
	if !slices.IsSortedFunc(rows[1:], func(a, b []string) int { return strings.Compare(a[0], b[0]) }) {
		t.Errorf("index %v", rows)
	}
}

// A store and its index are a directory with a labels file too.
func TestStoreAsTable(t *testing.T) {
	dir, store := ward(t), t.TempDir()
	bring(t, dir, "labels.csv", store, options(7))
	c, err := Open(Source{Dir: store, Labels: filepath.Join(store, indexName)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(open(t, store, "").Images, c.Images, noLines); diff != "" || len(c.Unlisted) != 0 {
		t.Errorf("unlisted %q, %s", c.Unlisted, diff)
	}
}

// The same image of nobody in particular cannot come into two splits, and is
// one patient's.
func TestImportNPZ(t *testing.T) {
	dir := tree(t, map[string][]byte{"set.npz": npzOf(t, map[string][][2]int{"train": {{1, 0}, {2, 1}, {2, 1}}, "test": {{4, 1}, {2, 1}}})})
	store := t.TempDir()
	r := bring(t, filepath.Join(dir, "set.npz"), "", store, options(1))
	if r.Read != 5 || r.Added != 3 || r.Known != 1 || len(r.Refused) != 1 || r.Refused[0].File != "test/1" || !strings.Contains(r.Refused[0].Reason, "another split") || r.Patients != 3 {
		t.Errorf("imported %+v", r)
	}
	if s := inspect(t, store, ""); len(s.Problems) > 0 || s.Images != 3 || len(s.Splits) != 2 {
		t.Errorf("sheet %+v", s)
	}
	b, err := os.ReadFile(filepath.Join(dir, "set.npz"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	for i, seed := range []int{1, 2, 2, 4, 2} {
		pixels := sha256.Sum256(scan(seed, 4, 4).Pix)
		if l := auditOf(t, store)[i]; l.Archive != hex.EncodeToString(sum[:]) || l.SHA256 != hex.EncodeToString(pixels[:]) || l.Bytes != 16 || l.Format != "NPZ" {
			t.Errorf("line %+v", l)
		}
	}
}

// More lines than are written at once, and a file of a kind that is not read.
func TestImportMany(t *testing.T) {
	files := map[string][]byte{"x/jpeg2000.dcm": bytes.Replace(dicomOf(record{"MRN1", "A"}, 8, 8, ramp(1)), []byte("1.2.840.10008.1.2.1\x00"), []byte("1.2.840.10008.1.2.98"), 1)}
	for i := range 2*together + 3 {
		files[fmt.Sprintf("%c/%03d.png", 'x'+i%2, i)] = pngOf(t, scan(i, 4, 4))
	}
	store := t.TempDir()
	r := bring(t, tree(t, files), "", store, options(1))
	if r.Added != 2*together+3 || len(r.Refused) != 1 || !strings.Contains(r.Refused[0].Reason, "1.2.840.10008.1.2.98") {
		t.Errorf("imported %+v", r)
	}
	lines := auditOf(t, store)
	if len(lines) != 2*together+4 {
		t.Errorf("%d lines", len(lines))
	}
	if !slices.ContainsFunc(lines, func(l auditLine) bool { return l.Outcome == outcomeRefused && l.Format == "DICOM 1.2.840.10008.1.2.98" }) {
		t.Error("the log does not name the transfer syntax")
	}
}

// DICOM files in folders bring their patients along.
func TestImportFolders(t *testing.T) {
	dir := tree(t, map[string][]byte{
		"sick/1.dcm": dicomOf(record{"P7", "A"}, 8, 8, ramp(1)),
		"sick/2.dcm": dicomOf(record{"P7", "A"}, 8, 8, ramp(2)),
		"well/a.png": pngOf(t, scan(1, 8, 8)),
	})
	store := t.TempDir()
	if r := bring(t, dir, "", store, options(1)); r.Added != 3 || r.Patients != 2 {
		t.Errorf("imported %+v", r)
	}
	// One class is enough to add to a store.
	more := tree(t, map[string][]byte{"sick/3.dcm": dicomOf(record{"P7", "A"}, 8, 8, ramp(3))})
	if r := bring(t, more, "", store, options(1)); r.Added != 1 || r.Images != 4 || r.Patients != 2 {
		t.Errorf("imported %+v", r)
	}
}

func TestImportOneAtATime(t *testing.T) {
	dir, store := ward(t), t.TempDir()
	o := options(7)
	o.Workers = 1
	var second error
	o.Progress = func(done, _ int) {
		if done == 1 {
			_, second = Import(context.Background(), Source{Dir: dir, Labels: filepath.Join(dir, "labels.csv")}, store, options(8))
		}
	}
	if r := bring(t, dir, "labels.csv", store, o); r.Added != 6 {
		t.Errorf("imported %+v", r)
	}
	if !errors.Is(second, ErrBusy) {
		t.Errorf("error %v", second)
	}
}

func TestImportStops(t *testing.T) {
	dir, store := ward(t), t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	o := options(7)
	o.Progress = func(done, _ int) {
		if done == 3 {
			cancel()
		}
	}
	r, err := Import(ctx, Source{Dir: dir, Labels: filepath.Join(dir, "labels.csv")}, store, o)
	if !errors.Is(err, context.Canceled) || r.Read != 3 || r.Images != 3 {
		t.Errorf("imported %+v, error %v", r, err)
	}
	if c := open(t, store, ""); len(c.Images) != 3 {
		t.Errorf("%d images", len(c.Images))
	}
	if r := bring(t, dir, "labels.csv", store, options(8)); r.Added != 3 || r.Known != 3 {
		t.Errorf("imported %+v", r)
	}
}

// A sample that was damaged on the disk is written again.
func TestImportHeals(t *testing.T) {
	dir, store := ward(t), t.TempDir()
	bring(t, dir, "labels.csv", store, options(7))
	before := contents(t, store)
	path := filepath.Join(store, filepath.FromSlash(open(t, store, "").Images[0].File))
	if err := os.Truncate(path, 50); err != nil {
		t.Fatal(err)
	}
	bring(t, dir, "labels.csv", store, options(7))
	if name := path[len(store)+1:]; contents(t, store)[name] != before[name] {
		t.Errorf("%s is still damaged", name)
	}
}

func TestWithoutName(t *testing.T) {
	for _, test := range [][2]string{
		{"open /data/SMITH.dcm: bad", "open the file: bad"},
		{"SMITH.dcm is bad", "the file is bad"},
		{"bad \x1b[2J", "bad  [2J"},
		{strings.Repeat("é", 400), strings.Repeat("é", 300)},
	} {
		if got := withoutName(test[0], "/data/SMITH.dcm"); got != test[1] {
			t.Errorf("%q, want %q", got, test[1])
		}
	}
}
