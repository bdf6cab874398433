// Sends requests through a module on Go's proxytest emulator and prints how many a second it takes.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

func main() {
	code, err := os.ReadFile(os.Args[1])
	check(err)
	count, err := strconv.Atoi(os.Args[2])
	check(err)
	vm, err := proxytest.NewWasmVMContext(code)
	check(err)
	defer vm.Close()
	host, reset := proxytest.NewHostEmulator(proxytest.NewEmulatorOption().WithVMContext(vm).WithPluginConfiguration([]byte("hi")))
	defer reset()
	if host.StartVM() != types.OnVMStartStatusOK || host.StartPlugin() != types.OnPluginStartStatusOK {
		panic("the plugin does not start")
	}
	started := time.Now()
	for range count {
		id := host.InitializeHttpContext()
		host.CallOnRequestHeaders(id, [][2]string{{":method", "GET"}, {":path", "/"}, {":authority", "example.test"}, {":scheme", "http"}}, true)
		host.CallOnResponseHeaders(id, [][2]string{{":status", "200"}}, false)
		host.CallOnResponseBody(id, []byte("hello"), true)
		host.CompleteHttpContext(id)
	}
	fmt.Println(float64(count) / time.Since(started).Seconds())
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
