package main

import (
	"cmp"
	"fmt"
	"slices"
	"unicode"
)

// run is a row of pairs that fold to each other: first + i*stride and that plus delta, for i below count.
type run struct{ first, count, stride, delta int }

// foldRuns returns every pair of code points that simple case folding makes equal, once.
func foldRuns() []run {
	lower := map[int][]int{} // by distance, the lower one of each pair in order
	for r := rune(0); r <= unicode.MaxRune; r++ {
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			if f > r {
				lower[int(f-r)] = append(lower[int(f-r)], int(r))
			}
		}
	}
	var runs []run
	for delta, firsts := range lower {
		for len(firsts) > 0 {
			best := run{firsts[0], 1, 1, delta}
			for stride := 1; stride <= 2; stride++ {
				n := 1
				for n < len(firsts) && firsts[n] == firsts[0]+n*stride {
					n++
				}
				if n > best.count {
					best = run{firsts[0], n, stride, delta}
				}
			}
			runs = append(runs, best)
			firsts = firsts[best.count:]
		}
	}
	slices.SortFunc(runs, func(a, b run) int { return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.delta, b.delta)) })
	return runs
}

// printFoldTable prints the table of sdk/std/pattern-fold.ts.
func printFoldTable() {
	var table []int
	put := func(n int) {
		for ; n > 127; n >>= 7 {
			table = append(table, n&127|128)
		}
		table = append(table, n)
	}
	previous := 0
	for _, r := range foldRuns() {
		put(r.first - previous)
		put((r.count-1)<<1 | (r.stride - 1))
		put(r.delta)
		previous = r.first
	}
	fmt.Println(len(table))
	for i, n := range table {
		if i > 0 {
			fmt.Print(", ")
		}
		fmt.Print(n)
	}
	fmt.Println()
}

// printOrbits prints the Unicode version, and for each code point that folds all that it folds to.
func printOrbits() {
	fmt.Println(unicode.Version)
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.SimpleFold(r) == r {
			continue
		}
		fmt.Print(r)
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			fmt.Print(" ", f)
		}
		fmt.Println()
	}
}
