// Package web gives a VM the globals of the Web platform: fetch and its
// classes, URL, events, text coding, timers, console and the small utilities.
//
// Every global is made when a script first names it; a script that does not
// touch one does not pay for it. Where a class carries bytes it is native Go,
// with its state hidden in the object.
//
// The one invariant: nothing here talks to the world. fetch makes a call of
// kind "http.request" ([HTTPRequest]); setTimeout makes a call of kind "timer"
// ([Timer]); bodies that the host has are read and written by calls, too. The host
// performs them all.
//
// It must not know bindings, connections or how calls are performed.
package web
