package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bristle-fl/bristled/learner/data"
)

// TestMain makes the test binary a bristled when it is called so: scripts and
// end-to-end tests start real processes without building anything.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bristled": main, "stubborn": stubborn})
}

// TestScripts runs testdata/script. Beside testscript's own commands there
// are those of the table below.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			// Nothing on this machine may set a key.
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("LISTEN", "/ip4/127.0.0.1/tcp/0")
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name == "root" { // may read everything
				return os.Geteuid() == 0, nil
			}
			return false, errors.New("unknown condition " + name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     cmdExits,
			"until":     cmdUntil,
			"address":   cmdAddress,
			"taken":     cmdTaken,
			"idx":       cmdIDX,
			"truncate":  cmdTruncate,
			"hugepng":   cmdHugePNG,
			"lastline":  cmdLastLine,
			"maxwidth":  cmdMaxWidth,
			"nopanic":   cmdNoPanic,
			"jsonfield": cmdJSONField,
			"oddmodel":  cmdOddModel,
			"npy":       cmdNPY,
			"maxlines":  cmdMaxLines,
		},
	})
}

// exits CODE PROGRAM ARGS... runs a program that must end with the code.
func cmdExits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
	cmdNoPanic(ts, false, nil)
}

// patientlyFor is how long scripts wait for something that must happen; it
// takes a fraction of that on an idle machine.
const patientlyFor = time.Minute

// until REGEXP PROGRAM ARGS... runs the program until its output matches.
func cmdUntil(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile("(?m)" + args[0])
	for end := time.Now().Add(patientlyFor); ; time.Sleep(100 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if out := ts.ReadFile("stdout"); err == nil && want.MatchString(out) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%s did not come to match %s: %v", args[1:], args[0], err)
		}
	}
}

// address VAR DIR waits until the peer in DIR runs and sets VAR to an address
// of it.
func cmdAddress(ts *testscript.TestScript, _ bool, args []string) {
	cmdUntil(ts, false, []string{`"running":true`, "bristled", "status", "--dir", args[1], "--json"})
	var r report
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &r))
	if len(r.Addresses) == 0 {
		ts.Fatalf("no address")
	}
	ts.Setenv(args[0], r.Addresses[0])
}

// taken VAR sets VAR to the number of a TCP port that something listens at.
func cmdTaken(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
}

// idx DIR COUNT writes MNIST's four files with digits drawn by code.
func cmdIDX(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	count, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.MkdirAll(dir, 0o755))
	for seed, part := range []string{"train", "t10k"} {
		set := data.Digits(uint64(seed)).Set(0, count)
		images := idxHeader(0x803, count, 28, 28)
		labels := idxHeader(0x801, count)
		for _, s := range set.Samples {
			images = append(images, s.Pixels...)
			labels = append(labels, byte(s.Label))
		}
		ts.Check(os.WriteFile(filepath.Join(dir, part+"-images-idx3-ubyte"), images, 0o644))
		ts.Check(os.WriteFile(filepath.Join(dir, part+"-labels-idx1-ubyte"), labels, 0o644))
	}
}

func idxHeader(numbers ...int) []byte {
	var b []byte
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	return b
}

// truncate FILE SIZE
func cmdTruncate(ts *testscript.TestScript, _ bool, args []string) {
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
}

// hugepng FILE SIDE writes a PNG file that promises SIDE x SIDE pixels.
func cmdHugePNG(ts *testscript.TestScript, _ bool, args []string) {
	side, err := strconv.ParseUint(args[1], 10, 32)
	ts.Check(err)
	var b bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n")
	header := []byte("IHDR")
	header = binary.BigEndian.AppendUint32(header, uint32(side))
	header = binary.BigEndian.AppendUint32(header, uint32(side))
	header = append(header, 8, 0, 0, 0, 0) // grey
	ts.Check(binary.Write(&b, binary.BigEndian, uint32(len(header)-4)))
	b.Write(header)
	ts.Check(binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE(header)))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o644))
}

// lastline FILE leaves nothing but the last line of the output in FILE.
func cmdLastLine(ts *testscript.TestScript, _ bool, args []string) {
	out := bytes.TrimRight([]byte(ts.ReadFile("stdout")), "\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out[bytes.LastIndexByte(out, '\n')+1:], 0o644))
}

// jsonfield FILE REGEXP FIELD... asks for a field of the JSON object in FILE,
// which the regexp must match.
func cmdJSONField(ts *testscript.TestScript, _ bool, args []string) {
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &v))
	for _, name := range args[2:] {
		object, ok := v.(map[string]any)
		if !ok {
			ts.Fatalf("nothing has a field %q here: %v", name, v)
		}
		if v, ok = object[name]; !ok {
			ts.Fatalf("there is no field %q in %v", name, object)
		}
	}
	text, err := json.Marshal(v)
	ts.Check(err)
	if !regexp.MustCompile("^(" + args[1] + ")$").Match(text) {
		ts.Fatalf("%v is %s, which does not match %s", args[2:], text, args[1])
	}
}

// maxwidth WIDTH checks the lines of the output.
func cmdMaxWidth(ts *testscript.TestScript, _ bool, args []string) {
	width, err := strconv.Atoi(args[0])
	ts.Check(err)
	for _, line := range bytes.Split([]byte(ts.ReadFile("stdout")), []byte("\n")) {
		if n := len([]rune(string(line))); n > width {
			ts.Fatalf("%d characters in the line %q", n, line)
		}
	}
}

// nopanic checks that what went wrong was said in one line, without a stack
// and without the usage.
func cmdNoPanic(ts *testscript.TestScript, _ bool, _ []string) {
	text := ts.ReadFile("stderr")
	for _, bad := range []string{"goroutine ", "panic:", "Usage:", "\n\n"} {
		if bytes.Contains([]byte(text), []byte(bad)) {
			ts.Fatalf("%q in what was said", bad)
		}
	}
}
