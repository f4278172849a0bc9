package vm

import (
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/call"
)

// nearFrames is how deep a call's position is looked for before the whole
// stack, with the async callers, is taken.
const nearFrames = 6

// nativeName is what goja calls the source of native functions.
const nativeName = "<native>"

// Pos returns the user's source line that is executing. Frames of the engine
// and of the standard library are skipped.
func (v *VM) Pos() call.Position {
	v.frames = v.rt.CaptureCallStack(nearFrames, v.frames[:0])
	if pos := userPosition(v.frames); !pos.IsZero() {
		return pos
	}
	v.frames = v.rt.CaptureCallStack(0, v.frames[:0])
	return userPosition(v.frames)
}

func userPosition(frames []goja.StackFrame) call.Position {
	for i := range frames {
		p := frames[i].Position()
		if isUserFile(p.Filename) {
			return call.Position{File: p.Filename, Line: p.Line, Column: p.Column}
		}
	}
	return call.Position{}
}

// isUserFile tells the user's sources from the engine's, the standard
// library's and those parts of a bundle that come from no file.
func isUserFile(name string) bool {
	return name != "" && name != bundleName && name != nativeName && name != "<eval>" && !strings.HasPrefix(name, "reprise:")
}

func framesText(frames []goja.StackFrame) string {
	var b strings.Builder
	for i := range frames {
		p := frames[i].Position()
		if isUserFile(p.Filename) {
			b.WriteString("\n    at " + frames[i].FuncName() + " (" + call.Position{File: p.Filename, Line: p.Line, Column: p.Column}.String() + ")")
		}
	}
	return b.String()
}

// CleanStack rewrites goja's stack text to the form people know, "    at f
// (file:line:column)", under the given first line, without the frames that
// are not the user's. The result is empty when no frame is left.
func CleanStack(head, stack string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(stack, "\n") {
		frame, ok := strings.CutPrefix(strings.TrimSpace(line), "at ")
		if !ok {
			continue
		}
		name, place := splitFrame(frame)
		if !isUserFile(fileOf(place)) || place == "native" {
			continue
		}
		b.WriteString("\n    at ")
		if name != "" {
			b.WriteString(name + " (" + place + ")")
		} else {
			b.WriteString(place)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return head + b.String()
}

// splitFrame takes "f (file:1:2(34))" or "file:1:2(34)" apart and drops the
// program counter at the end.
func splitFrame(frame string) (name, place string) {
	place = frame
	if i := strings.Index(frame, " ("); i >= 0 && strings.HasSuffix(frame, ")") {
		name, place = frame[:i], frame[i+2:len(frame)-1]
	}
	if i := strings.LastIndexByte(place, '('); i > 0 && strings.HasSuffix(place, ")") {
		place = place[:i]
	}
	return name, place
}

// fileOf drops ":line:column".
func fileOf(place string) string {
	for range 2 {
		if i := strings.LastIndexByte(place, ':'); i > 0 {
			place = place[:i]
		}
	}
	return place
}
