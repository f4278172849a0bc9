// The route table is a tree with a node for every segment. A table never
// changes once it is made: an update makes another.

package site

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"reprise/runtime/worker"
)

// table answers which script a request is for.
type table struct {
	root   node
	routes []*route // all of them, by path
	// silent holds the scripts that have no route, by the path that their name
	// would have given them.
	silent map[string]*RouteSource
}

// node is a position in the tree. At each of its routes' ends, those that take
// the path only come before those that take what is below it too.
type node struct {
	literal map[string]*node
	param   *node
	exact   []*route
	below   []*route
}

// newTable makes a table of scripts. Those that can not be served are left
// out, and err says why; the first of two that conflict stays.
func newTable(sources []RouteSource) (*table, error) {
	t := &table{silent: map[string]*RouteSource{}}
	var errs []error
	// Scripts that serve first, so that no broken one takes a place from them.
	for _, broken := range []bool{false, true} {
		for i := range sources {
			s := &sources[i]
			if (s.State == Broken) != broken {
				continue
			}
			if !broken && s.handler() == "" {
				t.silent[DefaultPath(s.Name)] = s
				continue
			}
			if err := t.add(s); err != nil && !broken {
				errs = append(errs, err)
			}
		}
	}
	slices.SortFunc(t.routes, func(a, b *route) int { return strings.Compare(a.String(), b.String()) })
	return t, errors.Join(errs...)
}

func (t *table) add(s *RouteSource) error {
	r, err := newRoute(s)
	if err != nil {
		return err
	}
	n := &t.root
	for _, seg := range r.pattern.segments {
		n = n.child(seg)
	}
	list := &n.exact
	if r.pattern.below {
		list = &n.below
	}
	for _, other := range *list {
		if r.conflicts(other) {
			return r.conflict(other)
		}
	}
	*list = append(*list, r)
	t.routes = append(t.routes, r)
	return nil
}

func (n *node) child(s segment) *node {
	if s.param {
		if n.param == nil {
			n.param = &node{}
		}
		return n.param
	}
	c := n.literal[s.literal]
	if c == nil {
		c = &node{}
		if n.literal == nil {
			n.literal = map[string]*node{}
		}
		n.literal[s.literal] = c
	}
	return c
}

// search is one lookup. It walks all ways through the tree that match the
// path, literals first, and keeps what it finds at the greatest depth.
type search struct {
	method  string
	escaped bool // the path still has its percent signs
	path    [maxParams]string

	hit    *route
	depth  int      // of what was found, -1 for nothing
	done   bool     // the whole path was matched: nothing can be longer
	others []*route // routes of that depth that do not take the method
	values [maxParams]string
	rest   string
}

// lookup finds the route for a method and a path. Without one, allow holds the
// routes that would answer other methods.
func (t *table) lookup(method string, u *url.URL) (r *route, params []worker.Header, allow []*route) {
	s := search{method: method, depth: -1}
	path := u.Path
	if u.RawPath != "" {
		path, s.escaped = u.EscapedPath(), true
	}
	s.walk(&t.root, path, 0, 0)
	if s.hit == nil {
		return nil, nil, s.others
	}
	return s.hit, s.params(), nil
}

// params makes ctx.params of what was matched.
func (s *search) params() []worker.Header {
	p := &s.hit.pattern
	if len(p.params) == 0 && !p.rest {
		return nil
	}
	out := make([]worker.Header, 0, len(p.params)+1)
	for i, name := range p.params {
		out = append(out, worker.Header{Name: name, Value: s.values[i]})
	}
	if p.rest {
		rest := strings.TrimPrefix(s.rest, "/")
		if s.escaped {
			// It is the end of a path that net/url has accepted.
			rest, _ = url.PathUnescape(rest)
		}
		out = append(out, worker.Header{Name: restParam, Value: rest})
	}
	return out
}

// walk goes on from n with what is left of the path: nothing, or a slash and
// more. depth counts the segments so far, used the parameters among them.
func (s *search) walk(n *node, left string, depth, used int) {
	if left == "" || left == "/" {
		s.offer(n.exact, depth, "")
		s.offer(n.below, depth, "")
		s.done = s.hit != nil && s.depth == depth
		return
	}
	seg, next := cut(left)
	if s.escaped {
		plain, err := url.PathUnescape(seg)
		if err != nil {
			return
		}
		seg = plain
	}
	if c := n.literal[seg]; c != nil {
		s.walk(c, next, depth+1, used)
	}
	if n.param != nil && seg != "" && !s.done {
		s.path[used] = seg
		s.walk(n.param, next, depth+1, used+1)
	}
	if !s.done {
		s.offer(n.below, depth, left)
	}
}

// offer takes routes that match at that depth, unless better ones are known.
func (s *search) offer(routes []*route, depth int, rest string) {
	if len(routes) == 0 || depth < s.depth {
		return
	}
	if depth > s.depth {
		s.depth, s.hit, s.others = depth, nil, nil
	}
	if s.hit != nil {
		return
	}
	for _, r := range routes {
		// A route that names HEAD is better than one that has it with its GET.
		if r.takes(s.method) && (s.hit == nil || slices.Contains(r.methods, s.method)) {
			s.hit, s.rest = r, rest
		}
	}
	if s.hit == nil {
		s.others = append(s.others, routes...)
		return
	}
	s.values = s.path
}

// cut splits the first segment off a path that begins with a slash.
func cut(path string) (seg, next string) {
	if i := strings.IndexByte(path[1:], '/'); i >= 0 {
		return path[1 : 1+i], path[1+i:]
	}
	return path[1:], ""
}

// silentScript returns the script without a route whose name fits the path
// best, or nil.
func (t *table) silentScript(path string) *RouteSource {
	if path == "/" {
		return t.silent[path]
	}
	for path = strings.TrimSuffix(path, "/"); path != ""; path = path[:max(strings.LastIndexByte(path, '/'), 0)] {
		if s := t.silent[path]; s != nil {
			return s
		}
	}
	return nil
}

// allowed returns what an Allow header says of routes.
func allowed(routes []*route) string {
	var all []string
	for _, r := range routes {
		all = append(all, r.methods...)
		if r.takes(http.MethodHead) {
			all = append(all, http.MethodHead)
		}
		if r.cors != nil {
			all = append(all, http.MethodOptions)
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}
