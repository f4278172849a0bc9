// Package files looks at a data directory before Badger opens it.
//
// Badger is careful with what a crash leaves behind, and careless with
// everything else. Measured with 4.9.6: a memtable's log that is damaged in the
// middle, or cut off, is read up to there, and what follows is thrown away, which
// is right for the torn end of a crash and loses acknowledged commits otherwise;
// without its manifest, or with one that was cut off, it deletes all tables; a
// table that was cut off is a panic in a goroutine of its own; an empty file,
// which a crash can leave, is refused for ever.
//
// The one invariant: a directory that passes [Check] holds everything that was
// acknowledged, as far as its files can tell, and one that does not is left as it
// was, with an error that says which file it is and what to do.
//
//	if err := files.Check(dir, format); err != nil {
//		return err // nothing was changed
//	}
//	db, err := badger.Open(options)
//	...
//	err = files.Opened(dir, format) // remembers the format
//	...
//	err = db.Close()
//	err = files.Closed(dir)         // remembers that all is well, and how it looks
//
// It knows Badger's files and must not know what their keys and values mean.
package files
