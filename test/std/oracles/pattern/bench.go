package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"
)

// bench reads patterns and texts, each with its length in front, and prints the nanoseconds that Match and
// FindSubmatchIndex take for each pair.
func bench() {
	in := bufio.NewReader(os.Stdin)
	for {
		pattern, err := readBytes(in)
		if err == io.EOF {
			return
		}
		check(err)
		text := must(readBytes(in))
		re := regexp.MustCompile(string(pattern))
		places := make([]int, 0, 64)
		match := nanoseconds(func() { re.Match(text) })
		find := nanoseconds(func() { places = re.FindSubmatchIndex(text) })
		_ = places
		fmt.Printf("%g %g\n", match, find)
	}
}

// nanoseconds returns the time of one call: the best of several rounds.
func nanoseconds(call func()) float64 {
	n := 1
	best := 0.0
	for round := 0; round < 60; {
		start := time.Now()
		for i := 0; i < n; i++ {
			call()
		}
		took := time.Since(start)
		if took < 2*time.Millisecond {
			n *= 2
			continue
		}
		each := float64(took.Nanoseconds()) / float64(n)
		if round == 0 || each < best {
			best = each
		}
		round++
	}
	return best
}
