// Package wire has the words that our binary forms are made of: numbers, texts,
// lists, moments, flags. The journal's records, calls and outcomes, and the
// messages to and from worker processes are written with them.
//
// There is no reflection and no table of fields: the order of statements in a
// pair of functions, one that appends and one that reads, is the form.
//
//	b = wire.AppendNumber(b, p.Size)
//	b = wire.AppendText(b, p.Name)
//
//	r := wire.NewReader(b)
//	p := Part{Size: r.Integer(maxSize), Name: r.Text()}
//	err := r.End()
//
// The one invariant: a Reader may be given any bytes. It does not panic, and
// asks for no more memory than what it was given can fill.
//
// The package is a leaf and must not know what it writes.
package wire
