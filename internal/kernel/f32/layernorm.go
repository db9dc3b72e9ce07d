package f32

import (
	"math"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// LayerNorm normalises every row of x:
//
//	mean = sum(x)/cols
//	rstd = 1/sqrt(sum((x-mean)^2)/cols + eps)
//	y    = ((x-mean)*rstd)*gamma + beta
//
// with sums in the order of [RowSums]. gamma and beta have cols elements, at
// least 1. If mean and rstd are not nil, they
// have rows elements and are set, for [LayerNormGrad]. y may be x.
func LayerNorm(y, x, gamma, beta []float32, rows, cols int, eps float32, mean, rstd []float32) {
	mustBeRows("LayerNorm", y, x, rows, cols)
	vecMust("LayerNorm", "scale", len(gamma), cols)
	vecMust("LayerNorm", "shift", len(beta), cols)
	if mean != nil || rstd != nil {
		vecMust("LayerNorm", "slice of means", len(mean), rows)
		vecMust("LayerNorm", "slice of deviations", len(rstd), rows)
	}
	layerNormOn(cpu.Active(), y, x, gamma, beta, rows, cols, eps, mean, rstd)
}

func layerNormOn(on cpu.Path, y, x, gamma, beta []float32, rows, cols int, eps float32, mean, rstd []float32) {
	n := float32(cols)
	for r := range rows {
		from, to := x[r*cols:][:cols], y[r*cols:][:cols]
		m := rowSum(on, from) / n
		d := 1 / float32(math.Sqrt(float64(rowSquares(on, from, m)/n+eps)))
		vecStandardize(on, to, from, gamma, beta, m, d)
		if mean != nil {
			mean[r], rstd[r] = m, d
		}
	}
}

// rowSquares returns the sum of (x-m)^2 over a row in the order of [RowSums].
func rowSquares(on cpu.Path, x []float32, m float32) float32 {
	var lanes rowLanes
	for len(x) > vecStretch {
		vecSquares(on, &lanes, x[:vecStretch], m)
		x = x[vecStretch:]
	}
	vecSquares(on, &lanes, x, m)
	return lanes.fold()
}

func squaresGeneric(lanes *rowLanes, x []float32, m float32) {
	for i, v := range x {
		d := v - m
		lanes[i%vecLanes] += float32(d * d)
	}
}

// standardizeGeneric computes y = ((x-m)*d)*gamma+beta.
func standardizeGeneric(y, x, gamma, beta []float32, m, d float32) {
	for i, v := range x {
		y[i] = float32(float32((v-m)*d)*gamma[i]) + beta[i]
	}
}

// LayerNormGrad is the gradient of [LayerNorm], given its operand x and what
// it set in mean and rstd. With h = (x-mean)*rstd and g = dy*gamma it computes
//
//	dx     = ((g - sum(g)/cols) - h*(sum(g*h)/cols)) * rstd    for every row
//	dgamma = sum of dy*h over the rows, from the first to the last
//	dbeta  = sum of dy over the rows, likewise
//
// and overwrites all three. dx may be dy or x, or nil if nobody wants it;
// dgamma and dbeta may both be nil.
func LayerNormGrad(dx, dgamma, dbeta, dy, x, gamma, mean, rstd []float32, rows, cols int) {
	mustBeRows("LayerNormGrad", dy, x, rows, cols)
	vecMust("LayerNormGrad", "slice of means", len(mean), rows)
	vecMust("LayerNormGrad", "slice of deviations", len(rstd), rows)
	if dx != nil {
		vecMust("LayerNormGrad", "gradient of the operand", len(dx), rows*cols)
	}
	vecMust("LayerNormGrad", "scale", len(gamma), cols)
	if dgamma != nil || dbeta != nil {
		vecMust("LayerNormGrad", "gradient of the scale", len(dgamma), cols)
		vecMust("LayerNormGrad", "gradient of the shift", len(dbeta), cols)
	}
	layerNormGradOn(cpu.Active(), dx, dgamma, dbeta, dy, x, gamma, mean, rstd, rows, cols)
}

func layerNormGradOn(on cpu.Path, dx, dgamma, dbeta, dy, x, gamma, mean, rstd []float32, rows, cols int) {
	clear(dgamma)
	clear(dbeta)
	for r := range rows {
		g, v := dy[r*cols:][:cols], x[r*cols:][:cols]
		row := normRow{mean: mean[r], rstd: rstd[r]}
		if dgamma != nil {
			vecNormParams(on, dgamma, dbeta, g, v, &row)
		}
		if dx == nil {
			continue
		}
		var sum, dot rowLanes
		vecNormSums(on, &sum, &dot, g, v, gamma, &row)
		row.sum, row.dot = sum.fold()/float32(cols), dot.fold()/float32(cols)
		vecNormInput(on, dx[r*cols:][:cols], g, v, gamma, &row)
	}
}

// normRow is what [LayerNormGrad] knows of a row. The assembly knows its
// layout.
type normRow struct {
	mean, rstd float32
	sum, dot   float32 // the means of g and of g*h
}

func normParamsGeneric(dgamma, dbeta, dy, x []float32, row *normRow) {
	for i, g := range dy {
		h := float32((x[i] - row.mean) * row.rstd)
		dgamma[i] += float32(g * h)
		dbeta[i] += g
	}
}

func normSumsGeneric(sum, dot *rowLanes, dy, x, gamma []float32, row *normRow) {
	for i, g := range dy {
		g = float32(g * gamma[i])
		h := float32((x[i] - row.mean) * row.rstd)
		sum[i%vecLanes] += g
		dot[i%vecLanes] += float32(g * h)
	}
}

func normInputGeneric(dx, dy, x, gamma []float32, row *normRow) {
	for i, g := range dy {
		h := float32((x[i] - row.mean) * row.rstd)
		dx[i] = ((float32(g*gamma[i]) - row.sum) - float32(h*row.dot)) * row.rstd
	}
}
