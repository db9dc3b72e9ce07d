package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/learner/cohort"
)

// said runs bristled and returns its exit code and what it said.
func said(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(context.Background(), args, nil, &out, &err)
	return code, out.String(), err.String()
}

// radiograph is a DICOM file of 4x4 pixels, Explicit VR Little Endian.
func radiograph(id, name string, grey uint16) []byte {
	b := append(make([]byte, 128), "DICM"...)
	element := func(tag uint32, vr string, value []byte) {
		b = binary.LittleEndian.AppendUint16(b, uint16(tag>>16))
		b = binary.LittleEndian.AppendUint16(b, uint16(tag))
		b = append(b, vr...)
		if len(value)%2 == 1 {
			value = append(value, map[bool]byte{true: 0, false: ' '}[vr == "UI"])
		}
		if vr == "OW" {
			b = binary.LittleEndian.AppendUint32(append(b, 0, 0), uint32(len(value)))
		} else {
			b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
		}
		b = append(b, value...)
	}
	word := func(n uint16) []byte { return binary.LittleEndian.AppendUint16(nil, n) }
	element(0x00020010, "UI", []byte("1.2.840.10008.1.2.1"))
	element(0x00100010, "PN", []byte(name))
	element(0x00100020, "LO", []byte(id))
	element(0x00280002, "US", word(1))
	element(0x00280004, "CS", []byte("MONOCHROME2"))
	element(0x00280010, "US", word(4))
	element(0x00280011, "US", word(4))
	element(0x00280100, "US", word(16))
	element(0x00280101, "US", word(12))
	element(0x00280102, "US", word(11))
	element(0x00280103, "US", word(0))
	var pixels []byte
	for i := range uint16(16) {
		pixels = append(pixels, word((grey*i+7*i*i)%1009)...)
	}
	element(0x7fe00010, "OW", pixels)
	return b
}

// wardDir has DICOM files of two patients.
func wardDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range map[string][]byte{
		"sick/MEYER1.dcm": radiograph("PID4711", "MEYER^ANNA", 17),
		"sick/MEYER2.dcm": radiograph("PID4711", "MEYER^ANNA", 23),
		"well/HUBER.dcm":  radiograph("PID4712", "HUBER^OTTO", 29),
		"well/cut.dcm":    radiograph("PID4712", "HUBER^OTTO", 31)[:300],
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDataInspectDICOM(t *testing.T) {
	code, out, stderr := said(t, "data", "inspect", wardDir(t))
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	for _, want := range []string{
		"patients  2, with 1 to 2 images each, median 1.5\n",
		"formats   DICOM 1.2.840.10008.1.2.1 (3)\n",
		"cannot be read: 1\n  well/cut.dcm: the file ends too early: ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for _, secret := range []string{"PID471", "ANNA", "OTTO"} {
		if strings.Contains(out, secret) {
			t.Errorf("%q in\n%s", secret, out)
		}
	}
}

func TestDataImportDICOM(t *testing.T) {
	dir, store := wardDir(t), filepath.Join(t.TempDir(), "store")
	code, out, stderr := said(t, "data", "import", dir, "--to", store, "--json")
	var r cohort.Imported
	if err := json.Unmarshal([]byte(out), &r); code != 0 || err != nil || r.Added != 3 || r.Patients != 2 || len(r.Refused) != 1 {
		t.Fatalf("exit code %d, %q, %q: %v", code, out, stderr, err)
	}
	log, err := os.ReadFile(filepath.Join(store, "audit.jsonl"))
	if err != nil || !strings.Contains(string(log), `"dropped":["PatientName","PatientID"]`) {
		t.Errorf("audit log %s: %v", log, err)
	}
	err = filepath.WalkDir(store, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, secret := range []string{"PID471", "MEYER", "HUBER", ".dcm", "cut"} {
			if bytes.Contains(b, []byte(secret)) && !strings.HasSuffix(path, "patients.key") {
				t.Errorf("%q in %s", secret, path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDataNPZ(t *testing.T) {
	path := filepath.Join(t.TempDir(), "set.npz")
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, array := range map[string]string{
		"train_images": "(3, 2, 2), }\n\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c", "train_labels": "(3, 1), }\n\x00\x01\x01",
		"test_images": "(1, 2, 2), }\n\x05\x06\x07\x08", "test_labels": "(1, 1), }\n\x01",
	} {
		w, err := z.Create(name + ".npy")
		if err != nil {
			t.Fatal(err)
		}
		header, values, _ := strings.Cut("{'descr': '|u1', 'fortran_order': False, 'shape': "+array, "\n")
		header += strings.Repeat(" ", 127-10-len(header)) + "\n"
		if _, err := w.Write([]byte("\x93NUMPY\x01\x00" + string([]byte{byte(len(header)), 0}) + header + values)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := said(t, "data", "inspect", path)
	if code != exitFailure || !strings.Contains(stderr, "set.npz: 1 problem to solve") || !strings.Contains(out, "the same image is in two splits: train/1 and test/0") {
		t.Errorf("exit code %d, %q\n%s", code, stderr, out)
	}
}
