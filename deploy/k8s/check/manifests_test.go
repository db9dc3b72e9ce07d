// Package check holds the manifests beside it to the API that they are written
// for. It is a module of its own: nothing else here needs Kubernetes.
package check

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
)

// read decodes the documents of a file against the schema of the API: unknown,
// repeated and mistyped fields are errors.
func read(t *testing.T, file string) []runtime.Object {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{batch.AddToScheme, core.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var objects []runtime.Object
	for i, doc := range bytes.Split(b, []byte("\n---\n")) {
		o, _, err := decoder.Decode(doc, nil, nil)
		if err != nil {
			t.Fatalf("%s, document %d: %v", file, i+1, err)
		}
		objects = append(objects, o)
	}
	return objects
}

func job(t *testing.T, objects []runtime.Object) *batch.Job {
	t.Helper()
	for _, o := range objects {
		if j, ok := o.(*batch.Job); ok {
			return j
		}
	}
	t.Fatal("no job")
	return nil
}

// TestSweep: as many shards as pods, and every one of them is merged.
func TestSweep(t *testing.T) {
	sweep := job(t, read(t, "../sweep.yaml"))
	if *sweep.Spec.CompletionMode != batch.IndexedCompletion {
		t.Error("the job is not indexed")
	}
	n := int(*sweep.Spec.Completions)
	args := sweep.Spec.Template.Spec.Containers[0].Args
	if !slices.Contains(args, fmt.Sprintf("$(JOB_COMPLETION_INDEX)/%d", n)) {
		t.Errorf("%d pods, but %v", n, args)
	}
	// Data are read where they are mounted, and never written.
	at := slices.Index(args, "--data")
	if at < 0 || !slices.ContainsFunc(sweep.Spec.Template.Spec.Containers[0].VolumeMounts, func(m core.VolumeMount) bool {
		return m.Name == "data" && m.MountPath == args[at+1] && m.ReadOnly
	}) {
		t.Errorf("no data are mounted for %v", args)
	}
	merge := job(t, read(t, "../merge.yaml")).Spec.Template.Spec
	shards := regexp.MustCompile(`^/results/shard-\d+$`)
	var merged []string
	for _, a := range merge.Containers[0].Args {
		if shards.MatchString(a) {
			merged = append(merged, strings.TrimPrefix(a, "/results/shard-"))
		}
	}
	for i := range n {
		if !slices.Contains(merged, fmt.Sprint(i)) {
			t.Errorf("shard %d is not merged: %v", i, merged)
		}
	}
	if len(merged) != n {
		t.Errorf("%d shards are merged of %d", len(merged), n)
	}
	for _, spec := range []core.PodSpec{sweep.Spec.Template.Spec, merge} {
		volumes := map[string]bool{}
		for _, v := range spec.Volumes {
			volumes[v.Name] = true
		}
		for _, m := range spec.Containers[0].VolumeMounts {
			if !volumes[m.Name] {
				t.Errorf("no volume %s", m.Name)
			}
		}
	}
}

// TestStrict: the check can fail.
func TestStrict(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := batch.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	_, _, err := decoder.Decode([]byte("apiVersion: batch/v1\nkind: Job\nspec: {completion: 3}\n"), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "completion") {
		t.Errorf("a misspelt field says %v", err)
	}
}
