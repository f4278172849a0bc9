// Package datadir keeps what a running server leaves in its data directory for
// programs on the same machine: the token of the admin API, and where the
// server listens.
//
//	token, err := datadir.LoadToken(".reprise")        // made at first start
//	err = datadir.WriteInfo(".reprise", datadir.Info{Addr: "127.0.0.1:8080", Admin: "127.0.0.1:8081", PID: os.Getpid()})
//	info, err := datadir.ReadInfo(".reprise")          // by the command line
//
// The one invariant: both files can be read by their owner only, and a reader
// finds a whole file or none.
//
// The package must not know HTTP or the store.
package datadir
