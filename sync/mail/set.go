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
