package data

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// walk writes n lines of a subject and an activity, 50 ms apart, whose x goes
// up by a tenth a line, y rests at g and z at minus 5.
func walk(subject, activity string, n int, start int64) []byte {
	var out []byte
	for i := range n {
		out = fmt.Appendf(out, "%s,%s,%d,%.1f,9.81,-5;\n", subject, activity, start+int64(i)*50_000_000, float64(i)/10)
	}
	return out
}

func TestReadWISDM(t *testing.T) {
	dir := t.TempDir()
	if IsWISDM(dir) {
		t.Error("an empty folder is taken for WISDM")
	}
	for i, subject := range []string{"1600", "1601", "1602", "1603"} {
		lines := slices.Concat(
			walk(subject, "A", 250, 7), // two windows, and a half that is dropped
			walk(subject, "G", 300, 0), // typing, which is passed over
			walk(subject, "E", 100, 0), // one
			walk(subject, "E", 99, 0))  // begins anew: time went back
		name := filepath.Join(dir, "data_"+subject+"_accel_phone.txt")
		if i%2 == 1 {
			write(t, name+".gz", gzipped(t, lines))
		} else {
			write(t, name, bytes.ReplaceAll(lines, []byte("\n"), []byte("\r\n")))
		}
	}
	if !IsWISDM(dir) {
		t.Error("not taken for WISDM")
	}
	train, test, err := ReadWISDM(dir)
	if err != nil {
		t.Fatal(err)
	}
	if train.Shape != [3]int{3, 1, 298} || len(train.Classes) != 5 || train.Classes[4] != "standing" {
		t.Errorf("shape %v, classes %v", train.Shape, train.Classes)
	}
	if len(train.Samples) != 9 || len(test.Samples) != 3 {
		t.Fatalf("%d and %d samples, want 9 and 3", len(train.Samples), len(test.Samples))
	}
	for i, s := range test.Samples {
		if s.Owner != "1602" || s.Label != []int{0, 0, 4}[i] {
			t.Errorf("test sample %d: owner %s, label %d", i, s.Owner, s.Label)
		}
	}
	// By hand: (0+20)*6.375+.5 = 128; a third of .1 further 127.5+.2125+.5 =
	// 128.2; at 9.9 m/s² 190.6+.5; g is 190.04+.5, and -5 is 95.6+.5.
	p := train.Samples[0].Pixels
	for i, want := range map[int]uint8{0: 128, 1: 128, 2: 128, 3: 128, 297: 191, 298: 190, 595: 190, 596: 96, 893: 96} {
		if p[i] != want {
			t.Errorf("byte %d is %d, want %d", i, p[i], want)
		}
	}
	// The second window goes on where the first ended: at 10 m/s².
	if got := train.Samples[1].Pixels[0]; got != 191 {
		t.Errorf("the second window begins with %d, want 191", got)
	}
}

// Between two readings the steps lie on a line; beyond the reach they do not.
func TestWISDMSteps(t *testing.T) {
	var window [wisdmReadings]float64
	window[1], window[2] = 6, -18
	got := appendSteps(nil, &window)[:8]
	// 0, 2, 4, 6, -2, -10, -18, -12 m/s²
	if want := []uint8{128, 140, 153, 166, 115, 64, 13, 51}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	r, err := parseWISDM([]byte("1,B,5,1e300,-1e300,-20;"), "")
	if err != nil || r.axes != [3]float64{20, -20, -20} || r.label != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
}

// What ends a window: another activity, another subject, a gap, and time that
// does not grow.
func TestWISDMWindows(t *testing.T) {
	for name, c := range map[string]struct {
		lines []byte
		want  int
	}{
		"whole":           {walk("1", "A", 100, 0), 1},
		"one short":       {walk("1", "A", 99, 0), 0},
		"after a while":   {append(walk("1", "A", 60, 0), walk("1", "A", 60, 60*50_000_000+150_000_000)...), 1},
		"gap":             {append(walk("1", "A", 60, 0), walk("1", "A", 60, 60*50_000_000+151_000_000)...), 0},
		"time goes back":  {append(walk("1", "A", 60, 0), walk("1", "A", 60, 0)...), 0},
		"activity":        {append(walk("1", "A", 60, 0), walk("1", "B", 60, 60*50_000_000)...), 0},
		"subject":         {append(walk("1", "A", 60, 0), walk("2", "A", 60, 60*50_000_000)...), 0},
		"unknown between": {slices.Concat(walk("1", "A", 60, 0), walk("1", "S", 1, 60*50_000_000), walk("1", "A", 60, 61*50_000_000)), 0},
	} {
		samples, err := decodeWISDM(bytes.NewReader(c.lines))
		if err != nil || len(samples) != c.want {
			t.Errorf("%s: %d windows, want %d; %v", name, len(samples), c.want, err)
		}
	}
}

func TestReadWISDMErrors(t *testing.T) {
	good := walk("1600", "A", 100, 0)
	packed := gzipped(t, good)
	for _, c := range []struct {
		name, content string
		want          error
		says          string
	}{
		{"empty", "", ErrEmpty, "data_1.txt"},
		{"blank lines", "\n\r\n\n", ErrEmpty, "data_1.txt"},
		{"cut off", string(good[:len(good)-5]), ErrTruncated, "line 100"},
		{"gzip cut off", string(packed[:len(packed)-20]), ErrTruncated, "fetch it again"},
		{"gzip damaged", string(packed[:len(packed)-8]) + "12345678", ErrFormat, "data_1.txt"},
		{"few fields", "1,A,5,1,2;", ErrFormat, "line 1: "},
		{"many fields", "1,A,5,1,2,3,4;", ErrFormat, "6 fields"},
		{"no subject", ",A,5,1,2,3;", ErrFormat, "names no subject"},
		{"no activity", "1,N,5,1,2,3;", ErrLabel, `"N"`},
		{"long activity", "1,walking,5,1,2,3;", ErrLabel, `"walking"`},
		{"no time", "1,A,now,1,2,3;", ErrFormat, `"now"`},
		{"time too large", "1,A,99999999999999999999,1,2,3;", ErrFormat, "no time"},
		{"negative time", "1,A,-1,1,2,3;", ErrFormat, "no time"},
		{"not a number", "1,A,5,NaN,2,3;", ErrFormat, `"NaN"`},
		{"infinite", "1,A,5,1,-Inf,3;", ErrFormat, `"-Inf"`},
		{"too large", "1,A,5,1,2,1e999;", ErrFormat, `"1e999"`},
		{"long line", "1,A,5,1,2,3;\n" + strings.Repeat("1", 2000), ErrFormat, "line 2 has more than"},
		{"a picture", "\x89PNG\r\n\x1a\n", ErrTruncated, "line 1"},
		{"too few subjects", string(good), ErrEmpty, "windows of 1 subjects"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "data_1.txt"), []byte(c.content))
			_, _, err := ReadWISDM(dir)
			var fe *FileError
			if !errors.Is(err, c.want) || !errors.As(err, &fe) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "nowhere")} {
		if _, _, err := ReadWISDM(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestReadWISDMReal(t *testing.T) {
	train, test, err := ReadWISDM(shared(t, "wisdm/wisdm51-phone-accel"))
	if err != nil {
		t.Fatal(err)
	}
	count := make([]int, 5)
	owners := map[string]bool{}
	for _, s := range train.Samples {
		count[s.Label]++
		owners[s.Owner] = true
	}
	for _, s := range test.Samples {
		if owners[s.Owner] {
			t.Fatalf("subject %s is in both sets", s.Owner)
		}
	}
	if want := []int{422, 476, 422, 422, 422}; !slices.Equal(count, want) || len(owners) != 12 || len(test.Samples) != 875 {
		t.Errorf("%v windows of %d subjects and %d of others, want %v of 12 and 875", count, len(owners), len(test.Samples), want)
	}
	mean, _ := train.MeanStd()
	for axis, want := range []float64{.48, -2.99, 1.00} {
		if got := mean[axis]*40 - 20; math.Abs(got-want) > .02 {
			t.Errorf("mean of axis %d: %.2f m/s², want %.2f", axis, got, want)
		}
	}
}

// MeanStd agrees with sums in floating point, channel by channel.
func TestMeanStd(t *testing.T) {
	if mean, std := (Set{Shape: [3]int{1, 2, 2}}).MeanStd(); mean != nil || std != nil {
		t.Errorf("of nothing: %v, %v", mean, std)
	}
	rapid.Check(t, func(t *rapid.T) {
		set := Set{Shape: [3]int{rapid.IntRange(1, 3).Draw(t, "channels"), rapid.IntRange(1, 3).Draw(t, "height"), rapid.IntRange(1, 9).Draw(t, "width")}}
		plane := set.Shape[1] * set.Shape[2]
		for range rapid.IntRange(1, 5).Draw(t, "samples") {
			set.Samples = append(set.Samples, Sample{Pixels: rapid.SliceOfN(rapid.Byte(), set.Shape[0]*plane, set.Shape[0]*plane).Draw(t, "pixels")})
		}
		mean, std := set.MeanStd()
		for c := range set.Shape[0] {
			var values []float64
			for _, s := range set.Samples {
				for _, p := range s.Pixels[c*plane : (c+1)*plane] {
					values = append(values, float64(p)/255)
				}
			}
			var m, v float64
			for _, x := range values {
				m += x / float64(len(values))
			}
			for _, x := range values {
				v += (x - m) * (x - m) / float64(len(values))
			}
			want := math.Sqrt(v)
			if slices.Max(values) == slices.Min(values) {
				want = 1
			}
			if math.Abs(mean[c]-m) > 1e-12 || math.Abs(std[c]-want) > 1e-6 {
				t.Fatalf("channel %d: %v, %v, want %v, %v", c, mean[c], std[c], m, want)
			}
		}
	})
}

func FuzzDecodeWISDM(f *testing.F) {
	f.Add(walk("1600", "A", 101, 0))
	f.Add(gzipped(f, walk("1600", "B", 100, 5)))
	f.Add([]byte("1,A,5,1e308,-1e308,3;\n1,Q,6,0x1p4,1_0,.5;"))
	f.Add([]byte("1600,A,252207666810782,-0.36476135,8.793503"))
	f.Fuzz(func(t *testing.T, b []byte) {
		samples, err := decodeWISDM(bytes.NewReader(b))
		if err != nil {
			return
		}
		for _, s := range samples {
			if len(s.Pixels) != 3*wisdmSteps || s.Label < 0 || s.Label >= len(wisdmClasses) || s.Owner == "" {
				t.Fatalf("a sample of %d bytes, label %d, owner %q", len(s.Pixels), s.Label, s.Owner)
			}
		}
	})
}
