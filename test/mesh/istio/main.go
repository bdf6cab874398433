// Fetches an image with Istio's own code, as istio-agent does, and prints the module's size and SHA-256.
package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"time"

	"istio.io/istio/pkg/wasm"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	fetcher := wasm.NewImageFetcher(ctx, wasm.ImageFetcherOption{})
	fetch, digest, err := fetcher.PrepareFetch(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	module, err := fetch()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%s %d %x\n", digest, len(module), sha256.Sum256(module))
}
