package regex

import "github.com/offlineimap/offlineimapd/internal/pyexpr/raise"

const (
	maxRecursion = 20000 // bounds the stack of one match
	tickEvery    = 4096
)

// matcher is one attempt. What a node matches is followed by then, which tries
// the rest; false leads back, and leaves the groups as they were.
type matcher struct {
	re    *Regexp
	text  []rune // ends where matching must
	marks []int  // begin and end of each group; -1: it took no part
	depth int
	steps int
	tick  func(steps int) error // asked now and then whether to go on
	err   error
}

// step counts, and says whether to go on.
func (m *matcher) step() bool {
	if m.steps++; m.steps%tickEvery == 0 && m.err == nil {
		m.err = m.tick(tickEvery)
	}
	return m.err == nil
}

func (m *matcher) match(n *node, at int, then func(int) bool) bool {
	if !m.step() {
		return false
	}
	if m.depth++; m.depth > maxRecursion {
		m.err = raise.Unsupported("a match of that depth")
		return false
	}
	defer func() { m.depth-- }()
	switch n.op {
	case opLiteral, opClass, opAny:
		return m.one(n, at) && then(at+1)
	case opAt:
		return m.at(n, at) && then(at)
	case opSeq:
		return m.sequence(n.sub, at, then)
	case opBranch:
		for _, s := range n.sub {
			if m.match(s, at, then) {
				return true
			}
		}
		return false
	case opGroup:
		if n.group == 0 {
			return m.match(n.sub[0], at, then)
		}
		return m.capture(n, at, then)
	case opRepeat:
		return m.repeat(n, at, then)
	case opAssert:
		return m.assert(n, at, then)
	case opAtomic:
		return m.atomic(func(end func(int) bool) bool { return m.match(n.sub[0], at, end) }, then)
	case opRef:
		lo, hi := m.marks[2*n.group], m.marks[2*n.group+1]
		if m.re.doubtful[n.group] {
			m.err = raise.Unsupported("a group within a negative assertion")
		}
		if lo < 0 || hi < 0 || at+hi-lo > len(m.text) {
			return false
		}
		for i := lo; i < hi; i++ {
			if a, b := m.text[i], m.text[at+i-lo]; a != b && !(n.fold && lowerOf(a, n.ascii) == lowerOf(b, n.ascii)) {
				return false
			}
		}
		return then(at + hi - lo)
	case opCond:
		if m.re.doubtful[n.group] {
			m.err = raise.Unsupported("a group within a negative assertion")
		}
		if m.marks[2*n.group+1] >= 0 {
			return m.match(n.sub[0], at, then)
		}
		return m.match(n.sub[1], at, then)
	}
	return false
}

// one says whether a node of one character matches.
func (m *matcher) one(n *node, at int) bool {
	if at >= len(m.text) {
		return false
	}
	r := m.text[at]
	switch n.op {
	case opLiteral:
		return n.r == r || n.fold && same(n.r, r, n.ascii)
	case opAny:
		return n.all || r != '\n'
	}
	return n.set.contains(r, n.fold, n.ascii)
}

func (m *matcher) at(n *node, at int) bool {
	switch n.at {
	case '^':
		return at == 0 || n.all && m.text[at-1] == '\n'
	case 'A':
		return at == 0
	case '$':
		return at == len(m.text) || m.text[at] == '\n' && (n.all || at == len(m.text)-1)
	case 'Z':
		return at == len(m.text)
	}
	before := at > 0 && isWord(m.text[at-1], n.ascii)
	after := at < len(m.text) && isWord(m.text[at], n.ascii)
	if n.at == 'B' && len(m.text) == 0 {
		m.err = raise.Unsupported("\\B in an empty text") // differs between versions
	}
	return (before != after) == (n.at == 'b')
}

func (m *matcher) sequence(items []*node, at int, then func(int) bool) bool {
	for len(items) > 0 {
		n := items[0]
		switch n.op { // without recursion where there is nothing to go back to
		case opLiteral, opClass, opAny:
			if !m.one(n, at) {
				return false
			}
			at++
		case opAt:
			if !m.at(n, at) {
				return false
			}
		default:
			rest := items[1:]
			if len(rest) == 0 {
				return m.match(n, at, then)
			}
			return m.match(n, at, func(end int) bool { return m.sequence(rest, end, then) })
		}
		items = items[1:]
	}
	return then(at)
}

func (m *matcher) capture(n *node, at int, then func(int) bool) bool {
	i := 2 * n.group
	return m.match(n.sub[0], at, func(end int) bool {
		begin, before := m.marks[i], m.marks[i+1]
		m.marks[i], m.marks[i+1] = at, end
		if then(end) {
			return true
		}
		m.marks[i], m.marks[i+1] = begin, before
		return false
	})
}

// atomic lets inner match once, and never goes back into it.
func (m *matcher) atomic(inner func(func(int) bool) bool, then func(int) bool) bool {
	saved := append([]int(nil), m.marks...)
	end := -1
	if !inner(func(at int) bool { end = at; return true }) || m.err != nil {
		return false
	}
	if then(end) {
		return true
	}
	copy(m.marks, saved)
	return false
}

func (m *matcher) assert(n *node, at int, then func(int) bool) bool {
	start := at
	if n.width >= 0 {
		start -= n.width
	}
	if start < 0 {
		return n.neg && then(at)
	}
	saved := append([]int(nil), m.marks...)
	found := m.match(n.sub[0], start, func(end int) bool { return n.width < 0 || end == at })
	if m.err != nil {
		return false
	}
	if n.neg {
		copy(m.marks, saved)
		return !found && then(at)
	}
	if found && then(at) {
		return true
	}
	copy(m.marks, saved)
	return false
}

func (m *matcher) repeat(n *node, at int, then func(int) bool) bool {
	if n.mode == possessive {
		return m.atomic(func(end func(int) bool) bool {
			plain := *n
			plain.mode = greedy
			return m.repeat(&plain, at, end)
		}, then)
	}
	if body := single(n.sub[0]); body != nil {
		return m.repeatOne(n, body, at, then)
	}
	if n.mode == lazy {
		return m.lazily(n, 0, at, -1, then)
	}
	return m.greedily(n, 0, at, -1, then)
}

// single is the node of one character that a node is nothing but a group around;
// nil where it is more.
func single(n *node) *node {
	for n.op == opGroup && n.group == 0 && len(n.sub[0].sub) == 1 && n.sub[0].op == opSeq {
		n = n.sub[0].sub[0]
	}
	if n.op > opAny {
		return nil
	}
	return n
}

// repeatOne repeats a node of one character, without a stack.
func (m *matcher) repeatOne(n, body *node, at int, then func(int) bool) bool {
	end := at
	limit := func(most int) {
		for end-at < most && m.one(body, end) && m.step() {
			end++
		}
	}
	if n.mode == lazy {
		limit(n.min)
		if end-at < n.min {
			return false
		}
		for m.step() {
			if then(end) {
				return true
			}
			if end-at >= n.max || !m.one(body, end) {
				return false
			}
			end++
		}
		return false
	}
	limit(n.max)
	for ; end-at >= n.min && m.step(); end-- {
		if then(end) {
			return true
		}
	}
	return false
}

// greedily tries a further round before the rest. A round that took nothing is
// the last one.
func (m *matcher) greedily(n *node, count, at, last int, then func(int) bool) bool {
	round := func(last int) bool {
		return m.match(n.sub[0], at, func(end int) bool { return m.greedily(n, count+1, end, last, then) })
	}
	if count < n.min {
		return round(last)
	}
	if (count < n.max || n.max == unlimited) && at != last && round(at) {
		return true
	}
	return m.step() && then(at)
}

func (m *matcher) lazily(n *node, count, at, last int, then func(int) bool) bool {
	round := func(last int) bool {
		return m.match(n.sub[0], at, func(end int) bool { return m.lazily(n, count+1, end, last, then) })
	}
	if count < n.min {
		return round(last)
	}
	if then(at) {
		return true
	}
	if count >= n.max && n.max != unlimited || at == last || !m.step() {
		return false
	}
	return round(at)
}
