// Package proc executes this program again, as a child that holds a role: a
// worker, which holds VMs, or a builder, which bundles sources. The two are
// joined by a socket pair that carries frames, and the child gives up its rights
// before it looks at anything a script has written.
//
//	func main() {
//		proc.Main(map[string]proc.Role{"worker": work}) // in a child it does not return
//		p, err := proc.Start("worker", proc.Options{})
//		err = p.Conn().Send(1, question)
//		kind, answer, err := p.Conn().Receive()
//		p.Kill()
//		<-p.Done()
//	}
//
//	func work(c *proc.Conn, args []string) int {
//		report, err := proc.GiveUp(proc.Rights{}) // first of all
//		for {
//			kind, question, err := c.Receive()
//			…
//		}
//	}
//
// The one invariant: a child can do its parent no harm but to answer wrongly or
// not at all. It has no secrets (its environment is next to empty), no files but
// the connection, no rights to get more; it costs the parent no more memory than
// it has sent bytes, and it is gone when the parent is.
//
// It must not know what a frame means, what a script is, or when a child has
// used too much: it measures and kills, and others decide. It imports nothing
// of ours.
//
// # How a child ends
//
// When the role returns, or when it crashes: [Process.Exit] tells. When it is
// killed. And when the parent is gone, for whatever reason: the child holds the
// reading end of a pipe, its lifeline, whose other end only the parent has, and
// on Linux the kernel kills it besides, which helps where it is stopped.
//
// # What rights are given up
//
// On Linux: no_new_privs, landlock (files), seccomp (system calls, on amd64 and
// arm64), resource limits, and others may not look into it. What a kernel lacks is
// in the [Report]. Elsewhere a child is a process of its own, and no more.
package proc
