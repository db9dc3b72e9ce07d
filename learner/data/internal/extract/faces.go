package main

// source is one module of fonts.
type source struct {
	module string
	// files are the faces to take, below the module's root. A face that is
	// another one merely slanted is left out, because the generator slants;
	// so are faces whose lower case is drawn as small capitals. A name after
	// # takes one of the mathematical alphabets of the file instead.
	files []string
}

// alphabet is one of Unicode's mathematical alphabets.
type alphabet struct {
	upper, lower, digits rune // of A, a and 0; 0 if it has none
	// elsewhere holds the letters that Unicode had before the block existed.
	elsewhere map[rune]rune
}

var alphabets = map[string]alphabet{
	"": {'A', 'a', '0', nil},
	"script": {0x1D49C, 0x1D4B6, 0, map[rune]rune{
		'B': 0x212C, 'E': 0x2130, 'F': 0x2131, 'H': 0x210B, 'I': 0x2110, 'L': 0x2112,
		'M': 0x2133, 'R': 0x211B, 'e': 0x212F, 'g': 0x210A, 'o': 0x2134,
	}},
	"boldscript": {0x1D4D0, 0x1D4EA, 0, nil},
	"sans":       {0x1D5A0, 0x1D5BA, 0x1D7E2, nil},
	"sansbold":   {0x1D5D4, 0x1D5EE, 0x1D7EC, nil},
	"sansitalic": {0x1D608, 0x1D622, 0, nil},
}

// at returns where the alphabet keeps an ASCII letter or digit, 0 if nowhere.
func (a alphabet) at(c rune) rune {
	if r, ok := a.elsewhere[c]; ok {
		return r
	}
	var base, first rune
	switch {
	case c >= 'a':
		base, first = a.lower, 'a'
	case c >= 'A':
		base, first = a.upper, 'A'
	default:
		base, first = a.digits, '0'
	}
	if base == 0 {
		return 0
	}
	return base + c - first
}

var sources = []source{
	{"golang.org/x/image", []string{
		"font/gofont/ttfs/Go-Regular.ttf",
		"font/gofont/ttfs/Go-Italic.ttf",
		"font/gofont/ttfs/Go-Medium.ttf",
		"font/gofont/ttfs/Go-Bold.ttf",
		"font/gofont/ttfs/Go-Mono.ttf",
		"font/gofont/ttfs/Go-Mono-Italic.ttf",
	}},
	{"github.com/go-fonts/dejavu", []string{
		"dejavusans/DejaVuSans.ttf",
		"dejavusansbold/DejaVuSans-Bold.ttf",
		"dejavusanscondensed/DejaVuSansCondensed.ttf",
		"dejavusansextralight/DejaVuSans-ExtraLight.ttf",
		"dejavumathtexgyre/DejaVuMathTeXGyre.ttf#script",
		"dejavusansmono/DejaVuSansMono.ttf",
		"dejavuserif/DejaVuSerif.ttf",
		"dejavuserifbold/DejaVuSerif-Bold.ttf",
		"dejavuserifcondensed/DejaVuSerifCondensed.ttf",
		"dejavuserifitalic/DejaVuSerif-Italic.ttf",
	}},
	{"github.com/go-fonts/liberation", []string{
		"liberationmonoregular/LiberationMono-Regular.ttf",
		"liberationmonobold/LiberationMono-Bold.ttf",
		"liberationsansregular/LiberationSans-Regular.ttf",
		"liberationsansbold/LiberationSans-Bold.ttf",
		"liberationserifregular/LiberationSerif-Regular.ttf",
		"liberationserifbold/LiberationSerif-Bold.ttf",
		"liberationserifitalic/LiberationSerif-Italic.ttf",
		"liberationserifbolditalic/LiberationSerif-BoldItalic.ttf",
	}},
	{"github.com/go-fonts/latin-modern", []string{
		"lmmono10italic/lmmono10-italic.otf",
		"lmmono10regular/lmmono10-regular.otf",
		"lmmonolt10regular/lmmonolt10-regular.otf",
		"lmmonoltcond10regular/lmmonoltcond10-regular.otf",
		"lmmonoprop10regular/lmmonoprop10-regular.otf",
		"lmmath/latinmodern-math.otf#script",
		"lmmath/latinmodern-math.otf#boldscript",
		"lmmath/latinmodern-math.otf#sans",
		"lmmath/latinmodern-math.otf#sansbold",
		"lmroman10bold/lmroman10-bold.otf",
		"lmroman10bolditalic/lmroman10-bolditalic.otf",
		"lmroman10italic/lmroman10-italic.otf",
		"lmroman10regular/lmroman10-regular.otf",
		"lmroman17regular/lmroman17-regular.otf",
		"lmroman5regular/lmroman5-regular.otf",
		"lmroman7italic/lmroman7-italic.otf",
		"lmromandunh10regular/lmromandunh10-regular.otf",
	}},
	{"github.com/go-fonts/stix", []string{
		"stix2mathregular/STIXTwoMath-Regular.otf#script",
		"stix2mathregular/STIXTwoMath-Regular.otf#boldscript",
		"stix2mathregular/STIXTwoMath-Regular.otf#sans",
		"stix2mathregular/STIXTwoMath-Regular.otf#sansbold",
		"stix2mathregular/STIXTwoMath-Regular.otf#sansitalic",
		"stix2textregular/STIXTwoText-Regular.otf",
		"stix2textitalic/STIXTwoText-Italic.otf",
		"stix2textsemibold/STIXTwoText-SemiBold.otf",
		"stix2textsemibolditalic/STIXTwoText-SemiBoldItalic.otf",
	}},
}
