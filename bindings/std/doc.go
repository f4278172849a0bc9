// Package std is the native part of the modules in stdlib that have no binding
// of their own, such as reprise:flow and reprise:paginate: what they need to
// speak to scripts as bindings do. It makes errors of the catalogue, checks
// options, and reads durations.
//
//	const m = __reprise.module("std");
//	const { timeout } = m.options(options, "settle", ["timeout", "signal"]);
//	throw m.error("TIMEOUT_ERROR", "stock was not there within 2s");
//
// Scripts can not import it: there is no module reprise:std.
//
// The one invariant: nothing here is a call, reads the clock or draws
// randomness, so that what is built on it replays as it is.
//
// It must not know the modules that use it.
package std
