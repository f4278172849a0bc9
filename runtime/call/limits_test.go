package call_test

import (
	"encoding/json"
	"testing"
	"time"

	"reprise/runtime/call"
)

func TestLimitsUnder(t *testing.T) {
	// What nobody asks for is the default; nothing is above what the server allows.
	all := call.Limits{}.Under(call.Limits{})
	for _, d := range call.AllLimits() {
		if d.Of(all) != d.Default || d.Default < d.Least || d.Default > d.Most {
			t.Errorf("%s is %d by default, not %d (from %d to %d)", d.Name, d.Of(all), d.Default, d.Least, d.Most)
		}
		if n, err := d.Parse(d.Format(d.Default)); err != nil || n != d.Default {
			t.Errorf("%s: %s is read as %d, %v", d.Name, d.Format(d.Default), n, err)
		}
	}
	asked := call.Limits{TurnCPU: 5 * time.Second, Body: 1 << 10}
	if got := asked.Under(call.Limits{TurnCPU: 2 * time.Second, Body: 1 << 20}); got.TurnCPU != 2*time.Second || got.Body != 1<<10 {
		t.Errorf("%+v", got)
	}
	if got := (call.Limits{}).Under(call.Limits{TurnCPU: 2 * time.Second, Calls: 50}); got.TurnCPU != time.Second || got.Calls != 50 {
		t.Errorf("what the server allows is no default, unless it is less: %+v", got)
	}
}

func TestLimitsAsJSON(t *testing.T) {
	// As a config writes them; what another version wrote is not an error.
	l := call.Limits{TurnCPU: 1500 * time.Millisecond, Body: 32 << 20, LogRate: 7}
	b, err := json.Marshal(l)
	if err != nil || string(b) != `{"body":33554432,"logRate":7,"turnCpu":"1.5s"}` {
		t.Fatalf("%s, %v", b, err)
	}
	var got call.Limits
	if err := json.Unmarshal(b, &got); err != nil || got != l {
		t.Errorf("%+v, %v", got, err)
	}
	if err := json.Unmarshal([]byte(`{"runCpu":"1s","body":"1KiB","new":1,"calls":0,"kvValue":true}`), &got); err != nil || got != (call.Limits{RunCPU: time.Second, Body: 1024}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestLimitErrors(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"turnCpu", "soon", `"soon" is not a duration: "soon" should be a number; write "30s", "5 minutes" or "3 days"`},
		{"turnCpu", "1h", "it can be 10ms to 1m0s, not 1h0m0s"},
		{"calls", "many", `"many" is not a whole number`},
		{"calls", "1", "it can be 10 to 10000000, not 1"},
		{"body", "32M", `"32M" is not a size: "M" could be MB (of 1,000) or MiB (of 1,024); write which`},
		{"kvValue", "1MiB", "it can be 1B to 1MB, not 1MiB"},
	} {
		d, ok := call.FindLimit(tc.name)
		if _, err := d.Parse(tc.text); !ok || err == nil || err.Error() != tc.want {
			t.Errorf("%s %s: %v, want %s", tc.name, tc.text, err, tc.want)
		}
	}
	d, _ := call.FindLimit("calls")
	if _, err := d.Number(10.5); err == nil {
		t.Error("half a call")
	}
	e := call.OverLimit("runCpu", 30_001, 30_000, "it used %s", "too much")
	if string(e.Data) != `{"limit":"runCpu","used":30001,"allowed":30000}` || call.LimitOf(e) != "runCpu" || call.LimitOf(nil) != "" || call.LimitOf(&call.Error{}) != "" {
		t.Errorf("%+v", e)
	}
}
