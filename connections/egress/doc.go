// Package egress decides which addresses the calls of scripts may reach:
//
//	policy, err := egress.New(egress.Options{Allow: []string{"public", "10.0.0.0/8"}})
//	policy.Guard("127.0.0.1:8081")                   // the admin origin: never
//	err = policy.Check(target)                       // by what the URL says, before anything is looked up
//	conn, err := policy.Dial(dialer)(ctx, "tcp", a)  // by the address that is dialled
//
// Both checks are needed. The first refuses what the URL gives away, without
// telling a name server of it. The second holds for what a name leads to, at
// the moment when it is connected to: what the name led to a moment ago, or
// will, does not matter.
//
// The one invariant: a connection that Dial returns leads to an address that
// the policy allows for the host and port that were asked for.
//
// It must not know requests, redirects or scripts.
package egress
