package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

func main() {}

func init() { proxywasm.SetVMContext(&vm{}) }

type vm struct{ types.DefaultVMContext }

func (*vm) OnVMStart(int) types.OnVMStartStatus {
	configuration, _ := proxywasm.GetVMConfiguration()
	proxywasm.LogInfof("vm %s", configuration)
	return types.OnVMStartStatusOK
}

func (*vm) NewPluginContext(uint32) types.PluginContext { return &plugin{} }

type plugin struct {
	types.DefaultPluginContext
	greeting        string
	requests, ticks proxywasm.MetricCounter
	queue           uint32
}

func (p *plugin) OnPluginStart(int) types.OnPluginStartStatus {
	configuration, _ := proxywasm.GetPluginConfiguration()
	p.greeting = string(configuration)
	if p.greeting == "refuse" {
		return types.OnPluginStartStatusFailed
	}
	p.requests = proxywasm.DefineCounterMetric("peer.requests")
	p.ticks = proxywasm.DefineCounterMetric("peer.ticks")
	p.queue, _ = proxywasm.RegisterSharedQueue("peer")
	_ = proxywasm.SetTickPeriodMilliSeconds(50)
	return types.OnPluginStartStatusOK
}

func (p *plugin) OnTick() { p.ticks.Increment(1) }

func (p *plugin) OnQueueReady(queue uint32) {
	if item, err := proxywasm.DequeueSharedQueue(queue); err == nil {
		proxywasm.LogInfof("queue %s", item)
	}
}

func (p *plugin) NewHttpContext(uint32) types.HttpContext { return &stream{plugin: p} }

type stream struct {
	types.DefaultHttpContext
	plugin *plugin
}

// Counts in shared data, until no other writer came between.
func count() int {
	for {
		value, cas, err := proxywasm.GetSharedData("peer.count")
		if err != nil && !errors.Is(err, types.ErrorStatusNotFound) {
			panic(err)
		}
		count, _ := strconv.Atoi(string(value))
		count++
		err = proxywasm.SetSharedData("peer.count", []byte(strconv.Itoa(count)), cas)
		if errors.Is(err, types.ErrorStatusCasMismatch) {
			continue
		}
		return count
	}
}

func (s *stream) OnHttpRequestHeaders(int, bool) types.Action {
	s.plugin.requests.Increment(1)
	path, _ := proxywasm.GetHttpRequestHeader(":path")
	property, _ := proxywasm.GetProperty([]string{"request", "path"})
	_ = proxywasm.ReplaceHttpRequestHeader("x-path", string(property))
	_ = proxywasm.AddHttpRequestHeader("x-count", strconv.Itoa(count()))
	_ = proxywasm.RemoveHttpRequestHeader("x-remove")
	switch path {
	case "/deny":
		_ = proxywasm.SendHttpResponse(403, [][2]string{{"x-denied", "yes"}}, []byte("denied"), -1)
		return types.ActionPause
	case "/queue":
		_ = proxywasm.EnqueueSharedQueue(s.plugin.queue, []byte("item"))
	case "/call":
		headers := [][2]string{{":method", "GET"}, {":path", "/check"}, {":authority", "auth"}}
		_, err := proxywasm.DispatchHttpCall("auth", headers, nil, nil, 1000, func(headers, size, _ int) {
			answer := "failed"
			if headers > 0 {
				lines, _ := proxywasm.GetHttpCallResponseHeaders()
				body, _ := proxywasm.GetHttpCallResponseBody(0, size)
				for _, line := range lines {
					if line[0] == ":status" {
						answer = fmt.Sprintf("%s %s", line[1], body)
					}
				}
			}
			_ = proxywasm.ReplaceHttpRequestHeader("x-auth", answer)
			_ = proxywasm.ResumeHttpRequest()
		})
		if err == nil {
			return types.ActionPause
		}
	case "/trap":
		panic("trapped on purpose")
	}
	return types.ActionContinue
}

func (s *stream) OnHttpRequestBody(size int, endOfStream bool) types.Action {
	if !endOfStream {
		return types.ActionPause
	}
	body, _ := proxywasm.GetHttpRequestBody(0, size)
	_ = proxywasm.ReplaceHttpRequestBody(bytes.ToUpper(body))
	return types.ActionContinue
}

func (s *stream) OnHttpResponseHeaders(int, bool) types.Action {
	_ = proxywasm.ReplaceHttpResponseHeader("x-greeting", s.plugin.greeting)
	_ = proxywasm.RemoveHttpResponseHeader("content-length")
	return types.ActionContinue
}

func (s *stream) OnHttpResponseBody(size int, endOfStream bool) types.Action {
	if endOfStream {
		_ = proxywasm.AppendHttpResponseBody([]byte(" and more"))
	}
	return types.ActionContinue
}

func (s *stream) OnHttpStreamDone() {
	code := uint64(0)
	if value, err := proxywasm.GetProperty([]string{"response", "code"}); err == nil && len(value) == 8 {
		code = binary.LittleEndian.Uint64(value)
	}
	proxywasm.LogInfof("code %d", code)
}
