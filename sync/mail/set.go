package mail

import (
	"slices"
	"sort"
	"strconv"
	"strings"
)

// UID identifies a mail within a mailbox for one UIDVALIDITY (RFC 9051,
// section 2.3.1.1). 0 is no mail.
type UID uint32

// ModSeq is a modification sequence (RFC 7162, section 3.1); 0 is none.
type ModSeq uint64

// Range is the UIDs from First to Last, both included.
type Range struct{ First, Last UID }

// Set is a set of UIDs: ranges that ascend and neither touch nor overlap.
// Its zero value is empty. A mailbox of any size that was never cleared out
// is one range.
type Set []Range

// SetOf returns the set of the given UIDs, in any order.
func SetOf(uids ...UID) Set {
	uids = slices.Clone(uids)
	slices.Sort(uids)
	var s Set
	for _, u := range uids {
		s.Append(u, u)
	}
	return s
}

// SetOfRanges returns the union of ranges in any order; a range written
// backwards is turned round, UID 0 is left out.
func SetOfRanges(rs ...Range) Set {
	rs = slices.Clone(rs)
	for i, r := range rs {
		if r.First > r.Last {
			rs[i] = Range{r.Last, r.First}
		}
		if rs[i].First == 0 {
			rs[i].First = 1
		}
	}
	slices.SortFunc(rs, func(a, b Range) int {
		switch {
		case a.First < b.First:
			return -1
		case a.First > b.First:
			return 1
		}
		return 0
	})
	var s Set
	for _, r := range rs {
		s.Append(r.First, r.Last)
	}
	return s
}

// Append adds first..last, whose first must not come before the start of the
// set's last range.
func (s *Set) Append(first, last UID) {
	if last < first {
		return
	}
	if n := len(*s); n > 0 {
		p := &(*s)[n-1]
		if first <= p.Last || first == p.Last+1 {
			p.Last = max(p.Last, last)
			return
		}
	}
	*s = append(*s, Range{first, last})
}

// Has tells whether u is in the set.
func (s Set) Has(u UID) bool {
	i := sort.Search(len(s), func(i int) bool { return s[i].Last >= u })
	return i < len(s) && s[i].First <= u
}

// Len counts the UIDs in the set.
func (s Set) Len() int {
	n := 0
	for _, r := range s {
		n += int(r.Last-r.First) + 1
	}
	return n
}

// All yields the UIDs in ascending order.
func (s Set) All(yield func(UID) bool) {
	for _, r := range s {
		for u := r.First; ; u++ {
			if !yield(u) {
				return
			}
			if u == r.Last {
				break
			}
		}
	}
}

// String writes the set as an IMAP sequence-set (RFC 9051, section 9), empty
// for the empty set, which IMAP cannot write.
func (s Set) String() string {
	var sb strings.Builder
	for i, r := range s {
		if i > 0 {
			sb.WriteByte(',')
		}
		sb.WriteString(strconv.FormatUint(uint64(r.First), 10))
		if r.Last != r.First {
			sb.WriteByte(':')
			sb.WriteString(strconv.FormatUint(uint64(r.Last), 10))
		}
	}
	return sb.String()
}

// ParseSet reads what String writes; ok is false for anything else.
func ParseSet(text string) (s Set, ok bool) {
	for part := range strings.SplitSeq(text, ",") {
		if text == "" {
			break
		}
		a, b, isRange := strings.Cut(part, ":")
		first, err := strconv.ParseUint(a, 10, 32)
		last := first
		if err == nil && isRange {
			last, err = strconv.ParseUint(b, 10, 32)
		}
		if n := len(s); err != nil || first == 0 || last < first || n > 0 && UID(first) <= s[n-1].Last {
			return nil, false
		}
		s.Append(UID(first), UID(last))
	}
	return s, true
}

// Without returns the UIDs of s that are not in t.
func (s Set) Without(t Set) Set {
	var out Set
	for _, r := range s {
		for len(t) > 0 && t[0].Last < r.First {
			t = t[1:]
		}
		first := uint64(r.First)
		for _, x := range t {
			if x.First > r.Last {
				break
			}
			if uint64(x.First) > first {
				out.Append(UID(first), x.First-1)
			}
			first = uint64(x.Last) + 1
		}
		if first <= uint64(r.Last) {
			out.Append(UID(first), r.Last)
		}
	}
	return out
}

// And returns the UIDs that are in both.
func (s Set) And(t Set) Set { return s.Without(s.Without(t)) }

// Or returns the UIDs that are in either.
func (s Set) Or(t Set) Set { return SetOfRanges(append(slices.Clone(s), t...)...) }
