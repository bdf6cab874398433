// What Go makes of times and durations. A line is a word and a text in hexadecimal, or a word and a number.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		word, rest, _ := strings.Cut(in.Text(), " ")
		fmt.Fprintln(out, answer(word, rest))
	}
}

func answer(word, rest string) string {
	bytes, _ := hex.DecodeString(rest)
	switch word {
	case "rfc3339":
		var t time.Time
		if err := t.UnmarshalText(bytes); err != nil {
			return "-"
		}
		return fmt.Sprintf("%d %d", t.Unix(), t.Nanosecond())
	case "formatrfc3339":
		n, _ := strconv.ParseInt(rest, 10, 64)
		return time.Unix(n, 0).UTC().Format(time.RFC3339)
	case "httpdate":
		t, err := http.ParseTime(string(bytes))
		if err != nil {
			return "-"
		}
		return strconv.FormatInt(t.Unix(), 10)
	case "formathttpdate":
		n, _ := strconv.ParseInt(rest, 10, 64)
		return time.Unix(n, 0).UTC().Format(http.TimeFormat)
	case "duration":
		d, err := time.ParseDuration(string(bytes))
		if err != nil {
			return "-"
		}
		return strconv.FormatInt(int64(d), 10)
	case "formatduration":
		n, _ := strconv.ParseInt(rest, 10, 64)
		return time.Duration(n).String()
	}
	panic("unknown word " + word)
}
