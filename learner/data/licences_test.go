package data

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each licence that FONTS.md names comes along in full, with the notice of
// its owner and without a template's blanks.
func TestLicences(t *testing.T) {
	all := Licences()
	for _, want := range []string{
		"Copyright (c) 2016 Bigelow & Holmes Inc.",
		"Copyright (c) 2003 by Bitstream, Inc. All Rights Reserved.",
		"Copyright (c) 2006 by Tavmjong Bah. All Rights Reserved.",
		"Digitized data copyright (c) 2010 Google Corporation",
		"Copyright (c) 2012 Red Hat, Inc.",
		"2003, 2009 B. Jackowski and J. M. Nowacki",
		"2012-2014 B. Jackowski, P. Strzelczyk and P. Pianowski",
		"Copyright 2001-2021 The STIX Fonts Project Authors (https://github.com/stipub/stixfonts)",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q", want)
		}
	}
	for _, blank := range []string{"<dates>", "<Copyright Holder>", "<Reserved Font Name>"} {
		if strings.Contains(all, blank) {
			t.Errorf("%s is not filled in", blank)
		}
	}
	fonts, rest, _ := strings.Cut(all, "\n==== ")
	files, err := filepath.Glob("licences/*")
	if err != nil || len(files) == 0 {
		t.Fatal("no licences:", err)
	}
	for _, name := range files {
		name = filepath.ToSlash(name)
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(fonts, "`"+name+"`") {
			t.Errorf("FONTS.md does not say what %s is for", name)
		}
		if !strings.Contains(rest, name+" ====\n") || !strings.Contains(rest, strings.TrimSpace(string(text))) {
			t.Errorf("%s is not there in full", name)
		}
	}
	if got, want := strings.Count(fonts, "`licences/"), len(files); got != want {
		t.Errorf("FONTS.md names %d licences, %d are here", got, want)
	}
}
