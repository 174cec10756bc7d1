package wire

import (
	"math"
	"slices"

	"github.com/emersion/go-imap/v2"
)

// appendRange adds a range at the end of a set, and tells whether the set still
// ascends. One at a time through imap.UIDSet would take quadratic time for
// a server that sends them in a bad order.
func appendRange(s *imap.UIDSet, first, last imap.UID) bool {
	n := len(*s)
	if n == 0 {
		*s = append(*s, imap.UIDRange{Start: first, Stop: last})
		return true
	}
	p := &(*s)[n-1]
	if first > p.Stop && first-1 > p.Stop {
		*s = append(*s, imap.UIDRange{Start: first, Stop: last})
		return true
	}
	if first >= p.Start {
		p.Stop = max(p.Stop, last)
		return true
	}
	*s = append(*s, imap.UIDRange{Start: first, Stop: last})
	return false
}

// normalSet sorts and joins the ranges of a set.
func normalSet(s imap.UIDSet) imap.UIDSet {
	slices.SortFunc(s, func(a, b imap.UIDRange) int {
		switch {
		case a.Start < b.Start:
			return -1
		case a.Start > b.Start:
			return 1
		}
		return 0
	})
	out := s[:0]
	for _, r := range s {
		appendRange(&out, r.Start, r.Stop)
	}
	return out
}

// parseRanges reads a sequence-set (RFC 9051, section 9) in the order written;
// "*" has no place in an answer.
func parseRanges(p []byte) ([]imap.UIDRange, error) {
	var rs []imap.UIDRange
	l := lexer{line: p}
	for {
		a, err := l.number(math.MaxUint32)
		if err != nil || a == 0 {
			return nil, errSyntax
		}
		b := a
		if l.accept(':') {
			if b, err = l.number(math.MaxUint32); err != nil || b == 0 {
				return nil, errSyntax
			}
		}
		rs = append(rs, imap.UIDRange{Start: imap.UID(min(a, b)), Stop: imap.UID(max(a, b))})
		if l.pos == len(l.line) {
			return rs, nil
		}
		if !l.accept(',') {
			return nil, errSyntax
		}
	}
}

// parseSet reads a sequence-set as a set.
func parseSet(p []byte) (imap.UIDSet, error) {
	rs, err := parseRanges(p)
	if err != nil {
		return nil, err
	}
	s := imap.UIDSet(rs[:0])
	sorted := true
	for _, r := range rs {
		sorted = appendRange(&s, r.Start, r.Stop) && sorted
	}
	if !sorted {
		s = normalSet(s)
	}
	return s, nil
}

// parseList reads a sequence-set as the list of its UIDs in the order written,
// as the codes of UIDPLUS mean it (RFC 4315, section 3). No list is longer
// than a command could be.
func parseList(s string) ([]imap.UID, bool) {
	const most = 1 << 20
	rs, err := parseRanges([]byte(s))
	if err != nil {
		return nil, false
	}
	n := uint64(0)
	for _, r := range rs {
		if n += uint64(r.Stop-r.Start) + 1; n > most {
			return nil, false
		}
	}
	uids := make([]imap.UID, 0, n)
	for _, r := range rs {
		for u := r.Start; ; u++ {
			if uids = append(uids, u); u == r.Stop {
				break
			}
		}
	}
	return uids, true
}
