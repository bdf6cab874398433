// Command pattern says what Go's regexp says about patterns and texts, for test/std/pattern.test.ts.
//
// It reads cases from its standard input: a pattern, a template and texts, each with its length in front, as four
// bytes; the texts with their number in front. It writes for each case one byte, 1 when the pattern compiles, and then
// for each text 32-bit numbers: whether it matches, whether it matches as a whole, the number of places and the places
// of the groups, the number of places and the places of at most 100 matches; and the text with all matches replaced.
//
// With the argument "folds" it prints the table of sdk/std/pattern-fold.ts instead; with "orbits" the Unicode version
// and for each code point what folds to it; with "bench" it reads one pattern and text per line and prints times.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"regexp"
	"regexp/syntax"
)

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "folds":
			printFoldTable()
		case "orbits":
			printOrbits()
		case "bench":
			bench()
		}
		return
	}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	for {
		pattern, err := readBytes(in)
		if err == io.EOF {
			break
		}
		check(err)
		template, err := readBytes(in)
		check(err)
		texts := make([][]byte, must(readNumber(in)))
		for i := range texts {
			texts[i] = must(readBytes(in))
		}
		answer(out, string(pattern), template, texts)
	}
	check(out.Flush())
}

func answer(out *bufio.Writer, pattern string, template []byte, texts [][]byte) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		out.WriteByte(0)
		return
	}
	out.WriteByte(1)
	// The pattern as the library writes it: an open \Q in the given text would swallow what is put behind it.
	parsed := must(syntax.Parse(pattern, syntax.Perl))
	whole := regexp.MustCompile(`\A(?:` + parsed.String() + `)\z`)
	for _, text := range texts {
		writeBool(out, re.Match(text))
		writeBool(out, whole.Match(text))
		writeNumbers(out, re.FindSubmatchIndex(text))
		var all []int
		for _, place := range re.FindAllIndex(text, 100) {
			all = append(all, place...)
		}
		writeNumbers(out, all)
		replaced := re.ReplaceAll(text, template)
		writeNumber(out, len(replaced))
		out.Write(replaced)
	}
}

func readNumber(in io.Reader) (uint32, error) {
	var bytes [4]byte
	_, err := io.ReadFull(in, bytes[:])
	return binary.LittleEndian.Uint32(bytes[:]), err
}

func readBytes(in io.Reader) ([]byte, error) {
	size, err := readNumber(in)
	if err != nil {
		return nil, err
	}
	bytes := make([]byte, size)
	_, err = io.ReadFull(in, bytes)
	return bytes, err
}

func writeNumber(out io.Writer, number int) {
	var bytes [4]byte
	binary.LittleEndian.PutUint32(bytes[:], uint32(number))
	out.Write(bytes[:])
}

func writeNumbers(out io.Writer, numbers []int) {
	writeNumber(out, len(numbers))
	for _, number := range numbers {
		writeNumber(out, number)
	}
}

func writeBool(out io.Writer, holds bool) {
	if holds {
		writeNumber(out, 1)
	} else {
		writeNumber(out, 0)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
