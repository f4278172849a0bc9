package web

import "github.com/dop251/goja"

// globals are the platform's globals and how each is made.
var globals = [...]struct {
	name string
	make func(r *realm) goja.Value
}{
	{"fetch", (*realm).makeFetch},
	{"Headers", func(r *realm) goja.Value { return r.headersClass().ctor }},
	{"Request", func(r *realm) goja.Value { return r.requestClass().ctor }},
	{"Blob", func(r *realm) goja.Value { return r.blobClass().ctor }},
	{"File", func(r *realm) goja.Value { return r.fileClass().ctor }},
	{"FormData", func(r *realm) goja.Value { return r.formDataClass().ctor }},
	{"Response", func(r *realm) goja.Value { return r.responseClass().ctor }},
	{"URL", func(r *realm) goja.Value { return r.class(classURL, r.makeURL).ctor }},
	{"URLSearchParams", func(r *realm) goja.Value { return r.searchParamsClass().ctor }},
	{"Event", func(r *realm) goja.Value { return r.eventClass().ctor }},
	{"CustomEvent", func(r *realm) goja.Value { return r.class(classCustomEvent, r.makeCustomEvent).ctor }},
	{"EventTarget", func(r *realm) goja.Value { return r.eventTargetClass().ctor }},
	{"AbortController", func(r *realm) goja.Value { return r.class(classAbortController, r.makeController).ctor }},
	{"AbortSignal", func(r *realm) goja.Value { return r.signalClass().ctor }},
	{"setTimeout", func(r *realm) goja.Value { return r.makeSetTimer("setTimeout", false) }},
	{"setInterval", func(r *realm) goja.Value { return r.makeSetTimer("setInterval", true) }},
	{"clearTimeout", func(r *realm) goja.Value { return r.makeClearTimer("clearTimeout") }},
	{"clearInterval", func(r *realm) goja.Value { return r.makeClearTimer("clearInterval") }},
	{"queueMicrotask", (*realm).makeQueueMicrotask},
	{"structuredClone", (*realm).makeStructuredClone},
	{"TextEncoder", func(r *realm) goja.Value { return r.class(classTextEncoder, r.makeTextEncoder).ctor }},
	{"TextDecoder", func(r *realm) goja.Value { return r.class(classTextDecoder, r.makeTextDecoder).ctor }},
	{"atob", (*realm).makeAtob},
	{"btoa", (*realm).makeBtoa},
	{"performance", (*realm).makePerformance},
	{"crypto", (*realm).makeCrypto},
	{"Crypto", func(r *realm) goja.Value { return r.cryptoClass().ctor }},
	{"SubtleCrypto", func(r *realm) goja.Value { return r.subtleClass().ctor }},
	{"CryptoKey", func(r *realm) goja.Value { return r.cryptoKeyClass().ctor }},
	{"console", (*realm).makeConsole},
	{"DOMException", func(r *realm) goja.Value { return r.shim("DOMException") }},
	{"Iterator", (*realm).iteratorClass},
	{"self", func(r *realm) goja.Value { return r.rt.GlobalObject() }},
}
