// What net/http makes of cookies. A line is a word and JSON.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

type setCookie struct {
	Name, Value, Path, Domain string
	Expires                   *int64
	MaxAge                    *int
	Secure, HttpOnly          bool
	SameSite                  int
	Partitioned               bool
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		word, rest, _ := strings.Cut(in.Text(), " ")
		if word == "read" {
			bytes, _ := hex.DecodeString(rest)
			request := http.Request{Header: http.Header{"Cookie": {string(bytes)}}}
			pairs := []string{}
			for _, c := range request.Cookies() {
				pairs = append(pairs, hex.EncodeToString([]byte(c.Name))+"="+hex.EncodeToString([]byte(c.Value)))
			}
			fmt.Fprintln(out, strings.Join(pairs, ";"))
			continue
		}
		var set setCookie
		if err := json.Unmarshal([]byte(rest), &set); err != nil {
			panic(err)
		}
		c := http.Cookie{
			Name: set.Name, Value: set.Value, Path: set.Path, Domain: set.Domain, Secure: set.Secure,
			HttpOnly: set.HttpOnly, Partitioned: set.Partitioned,
		}
		if set.Expires != nil {
			c.Expires = time.Unix(*set.Expires, 0)
		}
		if set.MaxAge != nil {
			c.MaxAge = *set.MaxAge
			if c.MaxAge == 0 {
				c.MaxAge = -1 // Go's way to say Max-Age=0.
			}
		}
		c.SameSite = []http.SameSite{0, http.SameSiteLaxMode, http.SameSiteStrictMode, http.SameSiteNoneMode}[set.SameSite]
		fmt.Fprintln(out, c.String())
	}
}
