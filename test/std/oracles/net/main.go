// Answers for base64, query strings, IP addresses and prefixes from Go's standard library. Each line of the input is a
// question, a verb and its arguments (texts in hexadecimal); each line of the output is its answer, "-" for an error.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		words := strings.Split(in.Text(), " ")
		answer, err := ask(words[0], words[1:])
		if err != nil {
			answer = "-"
		}
		fmt.Fprintln(out, answer)
	}
}

func text(word string) string {
	bytes, err := hex.DecodeString(word)
	if err != nil {
		panic(err)
	}
	return string(bytes)
}

func ask(verb string, words []string) (string, error) {
	switch verb {
	case "base64":
		return decoded(base64.StdEncoding, text(words[0]))
	case "base64url":
		return decoded(base64.RawURLEncoding, text(words[0]))
	case "unescape":
		plain, err := url.PathUnescape(text(words[0]))
		return hex.EncodeToString([]byte(plain)), err
	case "address":
		address, err := parseAddress(text(words[0]))
		return address.String(), err
	case "addressport":
		address, err := netip.ParseAddrPort(text(words[0]))
		if err == nil && address.Addr().Zone() != "" {
			return "", fmt.Errorf("zone")
		}
		return fmt.Sprint(address.Port(), " ", address.Addr().Unmap()), err
	case "prefix":
		prefix, err := parsePrefix(text(words[0]))
		return fmt.Sprint(prefix.Masked(), " ", prefix.Masked() != prefix), err
	case "clear":
		clear(tables[:])
		return "", nil
	case "add":
		prefix, err := parsePrefix(text(words[0]))
		if err == nil {
			add(prefix.Masked(), words[1])
		}
		return "", err
	case "find":
		address, err := parseAddress(text(words[0]))
		if err != nil {
			return "", err
		}
		return find(address), nil
	}
	panic(verb)
}

// Without what Go allows on top: it skips line breaks.
func decoded(encoding *base64.Encoding, text string) (string, error) {
	if strings.ContainsAny(text, "\r\n") {
		return "", fmt.Errorf("line break")
	}
	bytes, err := encoding.Strict().DecodeString(text)
	return hex.EncodeToString(bytes), err
}

func parseAddress(text string) (netip.Addr, error) {
	address, err := netip.ParseAddr(text)
	if err == nil && address.Zone() != "" {
		err = fmt.Errorf("zone")
	}
	return address.Unmap(), err
}

// An IPv4-mapped prefix of 96 bits or more is the IPv4 prefix.
func parsePrefix(text string) (netip.Prefix, error) {
	slash := strings.LastIndexByte(text, '/')
	if slash < 0 {
		return netip.Prefix{}, fmt.Errorf("no length")
	}
	// Not by ParsePrefix alone: the meaning of a mapped address in it has changed between versions.
	address, err := netip.ParseAddr(text[:slash])
	if err != nil || address.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("no address")
	}
	bits, err := strconv.Atoi(text[slash+1:])
	if err != nil || strconv.Itoa(bits) != text[slash+1:] || bits < 0 || bits > address.BitLen() {
		return netip.Prefix{}, fmt.Errorf("no length")
	}
	if address.Is4In6() && bits >= 96 {
		return netip.PrefixFrom(address.Unmap(), bits-96), nil
	}
	return netip.PrefixFrom(address, bits), nil
}

// The prefixes that were added, by length: a look-up that is obviously right.
var tables [129 * 2]map[netip.Prefix]string

func index(is4 bool, bits int) int {
	if is4 {
		return bits
	}
	return 129 + bits
}

func add(prefix netip.Prefix, value string) {
	i := index(prefix.Addr().Is4(), prefix.Bits())
	if tables[i] == nil {
		tables[i] = map[netip.Prefix]string{}
	}
	tables[i][prefix] = value
}

func find(address netip.Addr) string {
	for bits := address.BitLen(); bits >= 0; bits-- {
		prefix, _ := address.Prefix(bits)
		if value, ok := tables[index(address.Is4(), bits)][prefix]; ok {
			return value
		}
	}
	return "none"
}
