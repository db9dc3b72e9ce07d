package federation

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The ID is what peers find each other by: this test changes only when the
// protocol does.
func TestManifestGolden(t *testing.T) {
	m := testManifest()
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	const want = "d50ba4db266c96292b5a67d1b0b7866206c1083cd45da3cfe65dfafcc44dfa36"
	if got := m.ID().String(); got != want {
		t.Errorf("ID %s, want %s", got, want)
	}
	file, err := ReadManifest(filepath.Join("testdata", "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, file); diff != "" {
		t.Error(diff)
	}
	b, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile(filepath.Join("testdata", "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(golden), string(b)); diff != "" {
		t.Error(diff)
	}
}

func drawValidManifest(t *rapid.T) *Manifest {
	m := drawManifest(t)
	m.Name = rapid.StringMatching(`[a-zé]{1,32}`).Draw(t, "name")
	m.Backbone.SHA256[31] = rapid.Byte().Draw(t, "hash")
	for i, limit := range []int{16, 4096, 4096} {
		m.Backbone.Input[i] = rapid.IntRange(1, limit).Draw(t, "input")
	}
	m.Backbone.Prepare = rapid.SampledFrom([]Prepare{PrepareCentre, PrepareResize}).Draw(t, "prepare")
	m.Backbone.RawRMS = rapid.Float64Range(1e-9, 1e9).Draw(t, "raw_rms")
	m.Backbone.RMS = rapid.Float64Range(1e-9, 1e9).Draw(t, "rms")
	m.Rule.Name = rapid.StringMatching(`[a-z0-9:+_|-]{1,64}`).Draw(t, "rule")
	m.Rule.Constants = rapid.MapOfN(rapid.StringMatching(`[a-z0-9_.-]{1,64}`), rapid.Float64(), 0, 64).Draw(t, "constants")
	for name, v := range m.Rule.Constants {
		if v == 0 {
			m.Rule.Constants[name] = 0 // and not -0
		}
	}
	m.Training.LearningRate = rapid.Float64Range(1e-300, 1).Draw(t, "learning_rate")
	m.Training.L2 = rapid.Float64Range(0, 1).Draw(t, "l2")
	m.Training.Batch = rapid.IntRange(1, 65536).Draw(t, "batch")
	m.Training.Steps = rapid.IntRange(1, 1e6).Draw(t, "steps")
	m.Training.Probe = rapid.IntRange(1, 1e4).Draw(t, "probe")
	m.Wire.MaxMessage = rapid.IntRange(m.MaxUpdateSize(), 16<<20).Draw(t, "max_message")
	m.Wire.MaxPeers = rapid.IntRange(1, 65536).Draw(t, "max_peers")
	m.Prototypes = PrototypeSpec{
		Use:   rapid.Bool().Draw(t, "use"),
		Least: rapid.IntRange(1, 10_000).Draw(t, "least"),
		Noise: rapid.Float64Range(0, 10).Draw(t, "noise"),
	}
	return m
}

// A manifest survives its file, and so does its ID.
func TestManifestFileRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawValidManifest(t)
		b, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseManifest(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Fatal(diff)
		}
		if got.ID() != m.ID() {
			t.Fatal("another ID")
		}
	})
}

// Whatever field a future manifest has, the ID covers it: every leaf that
// reflection finds changes the ID when it changes.
func TestIDCoversEveryField(t *testing.T) {
	original := testManifest().ID()
	leaves := 0
	var visit func(path string, pick func(m *Manifest) reflect.Value)
	visit = func(path string, pick func(m *Manifest) reflect.Value) {
		changed := testManifest()
		v := pick(changed)
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				visit(path+"."+v.Type().Field(i).Name, func(m *Manifest) reflect.Value { return pick(m).Field(i) })
			}
			return
		case reflect.Slice, reflect.Array:
			if v.Len() == 0 {
				t.Fatalf("%s is empty in the test's manifest", path)
			}
			for i := range v.Len() {
				visit(fmt.Sprintf("%s[%d]", path, i), func(m *Manifest) reflect.Value { return pick(m).Index(i) })
			}
			if v.Kind() == reflect.Array {
				return
			}
			v.Set(v.Slice(0, v.Len()-1))
		case reflect.Map:
			if v.Len() == 0 {
				t.Fatalf("%s is empty in the test's manifest", path)
			}
			for _, key := range v.MapKeys() {
				for name, change := range map[string]func(reflect.Value){
					"value":   func(v reflect.Value) { v.SetMapIndex(key, reflect.ValueOf(v.MapIndex(key).Float()+1)) },
					"removed": func(v reflect.Value) { v.SetMapIndex(key, reflect.Value{}) },
					"renamed": func(v reflect.Value) {
						v.SetMapIndex(reflect.ValueOf(key.String()+"_"), v.MapIndex(key))
						v.SetMapIndex(key, reflect.Value{})
					},
				} {
					m := testManifest()
					change(pick(m))
					leaves++
					if m.ID() == original {
						t.Errorf("%s[%s] %s: the same ID", path, key, name)
					}
				}
			}
			v.SetMapIndex(reflect.ValueOf("another"), reflect.ValueOf(0.0))
		case reflect.String:
			v.SetString(v.String() + "x")
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.Int:
			v.SetInt(v.Int() + 1)
		case reflect.Uint8:
			v.SetUint(uint64(uint8(v.Uint()) + 1))
		case reflect.Float64:
			v.SetFloat(math.Nextafter(v.Float(), 2))
		default:
			t.Fatalf("%s is a %s: teach this test and Canonical about it", path, v.Kind())
		}
		leaves++
		if changed.ID() == original {
			t.Errorf("%s changed and the ID did not", path)
		}
	}
	visit("manifest", func(m *Manifest) reflect.Value { return reflect.ValueOf(m).Elem() })
	if leaves < 60 {
		t.Errorf("only %d changes tried", leaves)
	}
}

// Fields must not run into each other.
func TestIDTellsNeighboursApart(t *testing.T) {
	a, b := testManifest(), testManifest()
	a.Classes = []string{"ab", "c", "d"}
	b.Classes = []string{"a", "bc", "d"}
	if a.ID() == b.ID() {
		t.Error("the ID does not see where a class ends")
	}
	a.Rule.Constants = map[string]float64{"a": 0, "b": 1}
	b.Classes, b.Rule.Constants = a.Classes, map[string]float64{"a": 1, "b": 0}
	if a.ID() == b.ID() {
		t.Error("the ID does not see which constant is zero")
	}
}

func TestNegativeZeroIsZero(t *testing.T) {
	a, b := testManifest(), testManifest()
	a.Training.L2, a.Rule.Constants["eta"] = 0, 0
	b.Training.L2, b.Rule.Constants["eta"] = math.Copysign(0, -1), math.Copysign(0, -1)
	if a.ID() != b.ID() {
		t.Error("-0 and 0 are different federations")
	}
}

func TestValidate(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	long := strings.Repeat("x", 65)
	for _, test := range []struct {
		want   string // in the error; "" means valid
		change func(m *Manifest)
	}{
		{"", func(m *Manifest) {}},
		{"", func(m *Manifest) { m.Name = long[:64] }},
		{"name has 0 bytes", func(m *Manifest) { m.Name = "" }},
		{"name has 65 bytes", func(m *Manifest) { m.Name = long }},
		{"cannot be printed", func(m *Manifest) { m.Name = "a\x1b[31m" }},
		{"space at an end", func(m *Manifest) { m.Name = "glyphs " }},
		{"not UTF-8", func(m *Manifest) { m.Name = "a\xff" }},

		{"classes has 0 entries", func(m *Manifest) { m.Classes = nil }},
		{"classes has 1 entries", func(m *Manifest) { m.Classes = m.Classes[:1] }},
		{"classes has 1001 entries", func(m *Manifest) { m.Classes = sized(1001, 1, RowsInt8).Classes }},
		{"", func(m *Manifest) { m.Classes, m.Wire.MaxMessage = sized(1000, 1, RowsInt8).Classes, MaxMessage }},
		{`classes[2] is "zero", as classes[0]`, func(m *Manifest) { m.Classes[2] = "zero" }},
		{"classes[1] has 0 bytes", func(m *Manifest) { m.Classes[1] = "" }},
		{"classes[1] has 65 bytes", func(m *Manifest) { m.Classes[1] = long }},
		{"names of folders", func(m *Manifest) { m.Classes[1] = ".." }},
		{"names of folders", func(m *Manifest) { m.Classes[1] = "." }},
		{"names of folders", func(m *Manifest) { m.Classes[1] = ".hidden" }},
		{"names of folders", func(m *Manifest) { m.Classes[1] = "a/b" }},
		{"names of folders", func(m *Manifest) { m.Classes[1] = `a\b` }},
		{"names of folders", func(m *Manifest) { m.Classes[1] = "c:" }},
		{"for a device", func(m *Manifest) { m.Classes[1] = "CON" }},
		{"for a device", func(m *Manifest) { m.Classes[1] = "nul" }},
		{"for a device", func(m *Manifest) { m.Classes[1] = "Prn.txt" }},
		{"for a device", func(m *Manifest) { m.Classes[1] = "aux .tar.gz" }},
		{"for a device", func(m *Manifest) { m.Classes[1] = "COM1" }},
		{"for a device", func(m *Manifest) { m.Classes[1] = "lpt9" }},
		{"for a device", func(m *Manifest) { m.Classes[1] = "LPT²" }},
		{"", func(m *Manifest) { m.Classes = []string{"COM", "com0", "COM10", "lpt", "conn", "null", "a.con"} }},
		{"", func(m *Manifest) { m.Classes = []string{"a", "A"} }},
		{"cannot be printed", func(m *Manifest) { m.Classes[1] = "a\x00" }},
		{"cannot be printed", func(m *Manifest) { m.Classes[1] = "a\u202eb" }},
		{"not UTF-8", func(m *Manifest) { m.Classes[1] = "\xc3" }},
		{"", func(m *Manifest) { m.Classes[1] = "numéro un" }},

		{"backbone.sha256", func(m *Manifest) { m.Backbone.SHA256 = Hash{} }},
		{"backbone.features is 0", func(m *Manifest) { m.Backbone.Features = 0 }},
		{"backbone.features is -1", func(m *Manifest) { m.Backbone.Features = -1 }},
		{"backbone.features is 65537", func(m *Manifest) { m.Backbone.Features = 65537 }},
		{"", func(m *Manifest) { m.Backbone.Features, m.Wire.MaxMessage = 65536, MaxMessage }},
		{"backbone.input[0]", func(m *Manifest) { m.Backbone.Input[0] = 17 }},
		{"backbone.input[1]", func(m *Manifest) { m.Backbone.Input[1] = 0 }},
		{"backbone.input[2]", func(m *Manifest) { m.Backbone.Input[2] = 4097 }},
		{"backbone.prepare", func(m *Manifest) { m.Backbone.Prepare = "center" }},
		{"backbone.raw_rms", func(m *Manifest) { m.Backbone.RawRMS = 0 }},
		{"backbone.raw_rms", func(m *Manifest) { m.Backbone.RawRMS = nan }},
		{"backbone.rms", func(m *Manifest) { m.Backbone.RMS = inf }},
		{"backbone.rms", func(m *Manifest) { m.Backbone.RMS = -1 }},

		{"rule.name", func(m *Manifest) { m.Rule.Name = "" }},
		{"rule.name", func(m *Manifest) { m.Rule.Name = "Bristle" }},
		{"rule.name", func(m *Manifest) { m.Rule.Name = strings.Repeat("a", 65) }},
		{"", func(m *Manifest) { m.Rule.Name = "bristle:paper" }},
		{"", func(m *Manifest) { m.Rule.Constants = nil }},
		{"rule.constants.eta", func(m *Manifest) { m.Rule.Constants["eta"] = nan }},
		{"rule.constants.eta", func(m *Manifest) { m.Rule.Constants["eta"] = inf }},
		{"rule.constants.eta", func(m *Manifest) { m.Rule.Constants["eta"] = -inf }},
		{"", func(m *Manifest) { m.Rule.Constants["eta"] = -math.MaxFloat64 }},
		{"a name in rule.constants", func(m *Manifest) { m.Rule.Constants["Eta"] = 1 }},
		{"a name in rule.constants", func(m *Manifest) { m.Rule.Constants[""] = 1 }},
		{"a name in rule.constants", func(m *Manifest) { m.Rule.Constants[strings.Repeat("a", 65)] = 1 }},
		{"rule.constants has 65 entries", func(m *Manifest) {
			for i := range 63 {
				m.Rule.Constants[fmt.Sprint("c", i)] = 1
			}
		}},

		{"training.learning_rate", func(m *Manifest) { m.Training.LearningRate = 0 }},
		{"training.learning_rate", func(m *Manifest) { m.Training.LearningRate = 1.5 }},
		{"training.learning_rate", func(m *Manifest) { m.Training.LearningRate = nan }},
		{"training.l2", func(m *Manifest) { m.Training.L2 = -1e-9 }},
		{"training.l2", func(m *Manifest) { m.Training.L2 = nan }},
		{"", func(m *Manifest) { m.Training.L2 = 0 }},
		{"training.batch", func(m *Manifest) { m.Training.Batch = 0 }},
		{"training.batch", func(m *Manifest) { m.Training.Batch = 65537 }},
		{"training.steps", func(m *Manifest) { m.Training.Steps = 0 }},
		{"training.steps", func(m *Manifest) { m.Training.Steps = 1_000_001 }},
		{"training.probe", func(m *Manifest) { m.Training.Probe = 0 }},
		{"training.probe", func(m *Manifest) { m.Training.Probe = 10_001 }},

		{"wire.rows", func(m *Manifest) { m.Wire.Rows = "int4" }},
		{"wire.max_message", func(m *Manifest) { m.Wire.MaxMessage = 0 }},
		{"wire.max_message", func(m *Manifest) { m.Wire.MaxMessage = MaxMessage + 1 }},
		{"takes up to", func(m *Manifest) { m.Wire.MaxMessage = m.MaxUpdateSize() - 1 }},
		{"", func(m *Manifest) { m.Wire.MaxMessage = m.MaxUpdateSize() }},
		{"takes up to", func(m *Manifest) {
			m.Classes, m.Backbone.Features, m.Wire.MaxMessage = sized(300, 1, RowsInt8).Classes, 65536, MaxMessage
		}},
		{"wire.max_peers", func(m *Manifest) { m.Wire.MaxPeers = 0 }},
		{"wire.max_peers", func(m *Manifest) { m.Wire.MaxPeers = 65537 }},
	} {
		m := testManifest()
		test.change(m)
		err := m.Validate()
		if test.want == "" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if !errors.Is(err, ErrInvalidManifest) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want one with %q", err, test.want)
		}
		if _, err := m.Marshal(); !errors.Is(err, ErrInvalidManifest) {
			t.Errorf("an invalid manifest was written: %v", err)
		}
	}
}

func TestParseManifestRefuses(t *testing.T) {
	good, err := testManifest().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, old, new, want string }{
		{"unknown field", `"name":`, `"nom": 1, "name":`, `unknown field "nom"`},
		{"unknown inner field", `"l2":`, `"l1": 0, "l2":`, `unknown field "l1"`},
		{"other capitals", `"l2":`, `"L2":`, "training.l2 is missing"},
		{"missing field", `"l2": 0.005,`, ``, "training.l2 is missing"},
		{"repeated field", `"l2": 0.005,`, `"l2": 0.005, "l2": 0.005,`, "training.l2 is there twice"},
		{"repeated in other capitals", `"l2": 0.005,`, `"l2": 0.005, "L2": 0,`, "training.L2 is not a field"},
		{"repeated constant", `"eta": 0.5`, `"eta": 0.5, "eta": 0.6`, "rule.constants.eta is there twice"},
		{"null", `0.005`, `null`, "training.l2 is null"},
		{"null constants", `{
      "clip": 1.5,
      "eta": 0.5
    }`, `null`, "rule.constants is not an object"},
		{"short input", "28,\n      28", `28`, "backbone.input is not a list of 3"},
		{"long input", "28,\n      28", `28, 28, 28`, "backbone.input is not a list of 3"},
		{"string for number", `0.005`, `"0.005"`, "line 29"},
		{"fraction for integer", `"batch": 5`, `"batch": 5.5`, "line 30"},
		{"huge number", `0.005`, `1e999`, "line 29"},
		{"bad hash", `"sha256": "01`, `"sha256": "zz`, "SHA-256"},
		{"short hash", `"sha256": "01`, `"sha256": "`, "SHA-256"},
		{"invalid value", `"batch": 5`, `"batch": 0`, "training.batch is 0"},
		{"not UTF-8", `glyphs`, "gly\xffphs", "not UTF-8"},
		{"comment", `"name"`, "// hello\n\"name\"", "line 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(string(good), test.old) {
				t.Fatalf("no %q in\n%s", test.old, good)
			}
			b := strings.Replace(string(good), test.old, test.new, 1)
			m, err := parseManifest([]byte(b))
			if !errors.Is(err, ErrInvalidManifest) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if m != nil {
				t.Error("a manifest beside the error")
			}
		})
	}
	for name, test := range map[string]struct{ b, want string }{
		"empty":            {"", "ends in the middle"},
		"half":             {string(good[:len(good)/2]), "ends in the middle"},
		"trailing garbage": {string(good) + "x", "follows the manifest"},
		"two manifests":    {string(good) + string(good), "follows the manifest"},
		"trailing brace":   {string(good) + "}", "follows the manifest"},
		"a list":           {"[]", "cannot unmarshal array"},
		"null":             {"null", "not a JSON object"},
		"too large":        {string(good) + strings.Repeat(" ", maxManifestFile), "larger than"},
	} {
		if _, err := parseManifest([]byte(test.b)); !errors.Is(err, ErrInvalidManifest) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, test.want)
		}
	}
	if _, err := parseManifest(append(good, "\n \t\n"...)); err != nil {
		t.Errorf("space at the end: %v", err)
	}
}

// A manifest file is bounded, and so is what reading it takes.
func TestParseManifestAllocatesLittle(t *testing.T) {
	good, err := testManifest().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"brackets":       bytes.Repeat([]byte("["), maxManifestFile),
		"objects":        bytes.Repeat([]byte(`{"a":`), maxManifestFile/5),
		"a million ends": append(good, bytes.Repeat([]byte("}"), maxManifestFile-len(good))...),
		"empty classes":  bytes.Replace(good, []byte(`"zero",`), bytes.Repeat([]byte(`"",`), 300_000), 1),
		"constants":      bytes.Replace(good, []byte(`"clip"`), append(bytes.Repeat([]byte(`"":0,`), 200_000), `"clip"`...), 1),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := parseManifest(b)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrInvalidManifest) {
			t.Errorf("%s: %v", name, err)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 40*maxManifestFile {
			t.Errorf("%s: allocated %d bytes for %d", name, got, len(b))
		}
	}
}

func TestReadManifestErrors(t *testing.T) {
	if _, err := ReadManifest(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	large := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(large, make([]byte, maxManifestFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadManifest(large); !errors.Is(err, ErrInvalidManifest) || !strings.Contains(err.Error(), large) {
		t.Error(err)
	}
}

func FuzzReadManifest(f *testing.F) {
	good, err := testManifest().Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"name":"a","classes":["a","a"]}`))
	f.Add([]byte("null"))
	f.Add(bytes.Replace(good, []byte("0.005"), []byte("-0"), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseManifest(b)
		if err != nil {
			if !errors.Is(err, ErrInvalidManifest) {
				t.Fatal(err)
			}
			return
		}
		file, err := m.Marshal()
		if err != nil {
			t.Fatalf("what was read is not written: %v", err)
		}
		again, err := parseManifest(file)
		if err != nil {
			t.Fatal(err)
		}
		if again.ID() != m.ID() {
			t.Fatalf("another ID after writing:\n%s\n%s", b, file)
		}
	})
}
