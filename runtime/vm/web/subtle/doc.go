// Package subtle is the Web Cryptography API without a VM: keys and operations
// over bytes, with the standard's rules and the standard's errors. Package web
// puts the objects of a script around it.
//
// What it computes comes from Go's own crypto packages. What is added is what
// the standard says about them: which usages a key may have, what a JSON Web
// Key looks like, how a signature is laid out.
//
//	key, err := subtle.Import("raw", subtle.Material{Raw: secret}, &subtle.Params{Name: "HMAC", Hash: "SHA-256"}, false, subtle.UseSign)
//	mac, err := subtle.Sign(&subtle.Params{Name: "HMAC"}, key, text, host)
//
// The one invariant: the same arguments and the same draws give the same bytes,
// in every process and with every Go. All randomness is drawn from the [Host],
// in an amount that depends on the arguments only; ECDSA signs as RFC 6979 says,
// and where Go ignores a reader that it is given, it is not given one.
//
// Nothing here takes longer than a small part of a turn, as nothing can
// interrupt it: see limits.go. It must not know goja, the VM or a run.
package subtle
