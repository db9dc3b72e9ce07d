package attack

// maker is what an attack is made of.
type maker struct {
	values
	liar, liars int
	seed        uint64
	inner       Attack // of a wrapper
}

type entry struct {
	Info
	labels bool // whether it lies in its labels
	build  func(m maker) Attack
}

func fixed(a Attack) func(maker) Attack { return func(maker) Attack { return a } }

// with makes an entry of what most attacks have.
func with(name, summary, source string, build func(m maker) Attack, constants ...Constant) entry {
	return entry{Info: Info{Name: name, Summary: summary, Source: source, Constants: constants}, build: build}
}

const (
	bristle   = "the author of Bristle, 2021"
	ours      = "this project"
	plus      = ours
	blanchard = "Blanchard et al., NIPS 2017"
	li        = "Li et al., AAAI 2019"
	xie       = "Xie, Koyejo and Gupta, UAI 2020"
	baruch    = "Baruch, Baruch and Goldberg, NeurIPS 2019"
	karim     = "Karimireddy, He and Jaggi, ICLR 2022"
	fang      = "Fang et al., USENIX Security 2020"
	shejwal   = "Shejwalkar and Houmansadr, NDSS 2021"
)

// sets is the constant of what a foreign-poison liar publishes as prototypes.
func sets(standard int) Constant {
	return Constant{
		Name: "prototypes", Default: float64(standard), Max: float64(len(lies) - 1), Whole: true, Words: lies,
		Doc: "class means that it publishes: honest; false in the way of one public lie; copied from other classes at random; equivocated, matching what each victim is told",
	}
}

func catalogue() []entry {
	first := Constant{Name: "first", Default: 2, Max: 65535, Whole: true, Doc: "first class of the window, modulo the number of classes"}
	size := Constant{Name: "size", Default: 4, Min: 1, Max: 65536, Whole: true, Doc: "classes in the window"}
	epsilon := Constant{Name: "eps", Default: .15, Min: 1e-6, Max: 1, Doc: "how far a row moves in a round, in lengths of its goal"}
	direction := Constant{
		Name: "direction", Max: float64(len(perturbations) - 1), Whole: true, Words: perturbations,
		Doc: "where the lie lies from the mean: against the standard deviation, the mean as a unit vector, or its sign",
	}
	ipmFactor := func(def float64) Constant {
		return Constant{Name: "epsilon", Default: def, Min: 0, Max: 1e6, Doc: "factor of the mean, before its sign is turned"}
	}
	z := Constant{Name: "z", Default: 0, Min: 0, Max: 100, Doc: "standard deviations from the mean; 0: the largest that the paper's formula allows"}
	b := Constant{Name: "b", Default: 2, Min: 1, Max: 1000, Doc: "how far beyond the honest values: up to b times"}
	zOf := func(m maker) func(s *Scene) float64 {
		return func(s *Scene) float64 {
			if z := m.values["z"]; z > 0 {
				return z
			}
			return largestZ(1+len(s.Inbox)+s.Liars, s.Liars)
		}
	}
	epsilonOf := func(m maker) func(*Scene) float64 {
		return func(*Scene) float64 { return m.values["epsilon"] }
	}
	all := []entry{
		with("none", "does not lie, but never merges what it receives", ours, fixed(Honest{})),
		with("noise", "uniform weights, negative in the first half of the classes", bristle+", since 6 April", fixed(noise{})),
		with("noise:old", "uniform weights on [-0.2, 0.3)", bristle+", before", fixed(noise{old: true})),
		with("flip-all", "trains samples of class c+1 as class c", bristle, fixed(flipAll{})),
		with("flip-2", "trains with the first two classes exchanged", bristle, fixed(flipTwo{})),
		with("sign-flip", "what it learned, with the opposite sign", li, func(m maker) Attack { return signFlip{factor: m.values["factor"]} },
			Constant{Name: "factor", Default: 1, Min: 0, Max: 1e6, Doc: "factor of what it learned"}),
		with("gaussian", "normally distributed weights", blanchard, func(m maker) Attack { return gaussian{sd: m.values["sd"]} },
			Constant{Name: "sd", Default: 200, Min: 0, Max: 1e6, Doc: "standard deviation"}),
		with("ipm", "inner product manipulation: minus epsilon times the honest mean", xie,
			func(m maker) Attack { return deviate{from: ipm, factor: epsilonOf(m)} }, ipmFactor(.5)),
		with("ipm:optimised", "the same with the factor that does most harm, never less than with epsilon", xie+"; search as in ByzFL",
			func(m maker) Attack { return deviate{from: ipm, factor: epsilonOf(m), search: true} }, ipmFactor(.5)),
		with("alie", "A Little Is Enough: z standard deviations beside the honest mean", baruch,
			func(m maker) Attack { return deviate{from: alie, factor: zOf(m)} }, z),
		with("alie:optimised", "the same with the factor that does most harm, never less than with z", baruch+"; search as in ByzFL",
			func(m maker) Attack { return deviate{from: alie, factor: zOf(m), search: true} }, z),
		with("mimic", "all send what one honest peer sends", karim, func(m maker) Attack { return mimic{peer: m.whole("peer")} },
			Constant{Name: "peer", Max: 65535, Whole: true, Doc: "whom to copy, by place among the senders, modulo their number"}),
		with("mimic:variance", "all send what the honest peer sends that stands out most", karim, fixed(mimic{widest: true})),
		with("fang-krum", "own head against the direction of learning, as far as the rule still picks it", fang, fixed(fangKrum{})),
		with("fang-krum:author", "the same along the direction of learning", bristle, fixed(fangKrum{author: true})),
		with("fang-trimmed-mean", "beyond all honest values, against the direction of learning", fang,
			func(m maker) Attack { return fangTrimmedMean{b: m.values["b"]} }, b),
		with("fang-trimmed-mean:author", "the same along the direction of learning", bristle,
			func(m maker) Attack { return fangTrimmedMean{b: m.values["b"], author: true} }, b),
		with("min-max", "as far from the mean as two honest are from each other", shejwal,
			func(m maker) Attack { return spread{direction: perturbations[m.whole("direction")]} }, direction),
		with("min-sum", "as far from all as the most remote honest", shejwal,
			func(m maker) Attack { return spread{direction: perturbations[m.whole("direction")], sum: true} }, direction),
		with("fp-perm", "true rows of the victim's classes, the others permuted, for each victim its own way", plus, poisoned(permuted), sets(honestSets)),
		with("fp-copied", "fp-perm with prototypes that are copied from other classes", plus, poisoned(permuted), sets(copiedSets)),
		with("fp-two", "exchanges two classes that the victim does not know", plus, poisoned(swapped), sets(honestSets)),
		with("fp-omniscient", "the honest mean of the victim's classes, the others rotated as harms most", plus, fixed(omniscient{})),
		with("fp-public", "permutes the upper half of the classes, the same for everybody", plus, poisoned(permutedForAll), sets(honestSets)),
		with("fp-norm", "fp-perm with long rows for the classes that the victim does not know", plus, poisoned(scaled),
			Constant{Name: "factor", Default: 100, Min: 0, Max: 1e6, Doc: "factor of these rows"}, sets(honestSets)),
		with("narrow", "claims two classes that the victim does not know and exchanges them", plus, poisoned(narrowed), sets(honestSets)),
		with("window", "all claim the same few classes and permute those that the victim does not know", plus, poisoned(windowed(false, false)), first, size, sets(honestSets)),
		with("window:public", "all claim the same few classes and exchange half of them for everybody", plus, poisoned(windowed(true, false)), first, size, sets(honestSets)),
		with("window:spread", "each claims a window of its own and exchanges half of it for everybody", plus, poisoned(windowed(true, true)), size, sets(honestSets)),
		with("drift", "the victim's own rows, moved a little towards those of other classes", ours,
			func(m maker) Attack { return drift{seed: m.seed, epsilon: m.values["eps"]} }, epsilon),
		with("drift-foreign", "the same in the victim's foreign classes only", ours,
			func(m maker) Attack { return drift{seed: m.seed, epsilon: m.values["eps"], foreign: true} }, epsilon),
		with("equivocation", "looks honest to everybody, differently to even and odd victims", ours,
			func(m maker) Attack { return equivocation{z: m.values["z"]} },
			Constant{Name: "z", Default: 1, Min: 0, Max: 100, Doc: "standard deviations from the honest mean, to either side"}),
		with("replay", "sends for ever what it had learned by one round", ours,
			func(m maker) Attack { return &replay{at: uint64(m.whole("at"))} },
			Constant{Name: "at", Default: 10, Max: 1e9, Whole: true, Doc: "the round, from 0"}),
		with("free-rider", "never trains: the mean of what the victim has got, with a little noise", "Fraboni, Vidal and Lorenzi, AISTATS 2021",
			func(m maker) Attack { return freeRider{noise: m.values["noise"]} },
			Constant{Name: "noise", Default: .01, Max: 100, Doc: "standard deviation, in root mean squares of what is sent"}),
		with("on-off", "lies in some rounds only", ours,
			func(m maker) Attack {
				period, duty := uint64(m.whole("period")), uint64(m.whole("duty"))
				if duty == 0 {
					duty = (period + 1) / 2
				}
				return onOff{Attack: m.inner, period: period, duty: duty}
			},
			Constant{Name: "period", Default: 20, Min: 1, Max: 1e9, Whole: true, Doc: "the victim's rounds after which it starts again"},
			Constant{Name: "duty", Default: 0, Min: 0, Max: 1e9, Whole: true, Doc: "the last rounds of each period, in which it lies; 0: half of them, rounded up"}),
		with("sybil", "every liar has many keys", "Douceur, IPTPS 2002", func(m maker) Attack { return m.inner },
			Constant{Name: "count", Default: 10, Min: 1, Max: 1000, Whole: true, Doc: "keys of each liar"}),
	}
	for i := range all {
		switch all[i].Name {
		case "on-off", "sybil":
			all[i].Wraps = true
		case "flip-all", "flip-2":
			all[i].labels = true
		}
	}
	return all
}

// poisoned makes an attack of the foreign-poison family.
func poisoned(build func(m maker) *poison) func(maker) Attack {
	return func(m maker) Attack { return build(m) }
}
