package script

import "strings"

// nodeBuiltins says what to use instead of a module of Node.js. An empty text
// means there is nothing like it here.
var nodeBuiltins = map[string]string{
	"assert": "throw an Error yourself, or install an assertion package", "async_hooks": "", "buffer": "use Uint8Array with TextEncoder, atob and btoa",
	"child_process": "", "cluster": "", "console": "the global console is there without an import", "constants": "", "crypto": "use the global crypto (randomUUID, getRandomValues, subtle)",
	"dgram": "", "diagnostics_channel": "", "dns": "", "domain": "", "events": "use the global EventTarget, or npm install events",
	"fs": "import .json and text files, or keep data in reprise:kv", "http": "use fetch or reprise:http", "http2": "use fetch or reprise:http", "https": "use fetch or reprise:http",
	"inspector": "", "module": "", "net": "", "os": "", "path": "npm install path-browserify", "perf_hooks": "the global performance is there without an import",
	"process": "read settings from env, the second argument of a handler", "punycode": "npm install punycode", "querystring": "use URLSearchParams", "readline": "", "repl": "", "sea": "", "sqlite": "keep data in reprise:kv",
	"stream": "", "string_decoder": "use TextDecoder", "sys": "", "test": "", "timers": "setTimeout and setInterval are there without an import; for long waits use sleep from reprise:run",
	"tls": "", "trace_events": "", "tty": "", "url": "the globals URL and URLSearchParams are there without an import", "util": "use structuredClone, or npm install util", "v8": "", "vm": "", "wasi": "", "worker_threads": "", "zlib": "",
}

// builtinAdvice explains an import of a module of Node.js, if it is one.
func builtinAdvice(path string) (message string, ok bool) {
	name, explicit := strings.CutPrefix(path, "node:")
	root, _, _ := strings.Cut(name, "/")
	alternative, known := nodeBuiltins[root]
	if !known && !explicit {
		return "", false
	}
	message = "\"" + path + "\" is a module of Node.js and not available in scripts"
	if alternative != "" {
		message += "; " + alternative
	}
	return message, true
}
