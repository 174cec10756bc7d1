package mail

import (
	"math/bits"
	"strings"
)

// Flags is a set of message flags as one word: the six system flags of a
// Maildir and the 26 lower-case letters that stand for keywords. Their order
// is that of the letters' code points, so that String is sorted as Maildir
// names are.
type Flags uint32

// The system flags, each with its Maildir letter and its IMAP name (RFC 9051,
// section 2.3.2).
const (
	Draft   Flags = 1 << iota // D, \Draft
	Flagged                   // F, \Flagged
	Passed                    // P, $Forwarded
	Replied                   // R, \Answered
	Seen                      // S, \Seen
	Trashed                   // T, \Deleted
)

const letters = "DFPRSTabcdefghijklmnopqrstuvwxyz"

// AllFlags holds every flag there is.
const AllFlags = ^Flags(0)

// SystemFlags holds the flags that every IMAP server knows.
const SystemFlags = Draft | Flagged | Replied | Seen | Trashed

// Letter returns the flag of a Maildir letter, or 0 where the letter has none.
func Letter(b byte) Flags {
	switch b {
	case 'D':
		return Draft
	case 'F':
		return Flagged
	case 'P':
		return Passed
	case 'R':
		return Replied
	case 'S':
		return Seen
	case 'T':
		return Trashed
	}
	if b >= 'a' && b <= 'z' {
		return 1 << (6 + b - 'a')
	}
	return 0
}

// ParseLetters reads Maildir flag letters in any order; letters without a flag
// are left out.
func ParseLetters(s string) Flags {
	var f Flags
	for i := 0; i < len(s); i++ {
		f |= Letter(s[i])
	}
	return f
}

// String returns the Maildir letters of f, sorted.
func (f Flags) String() string {
	var sb strings.Builder
	sb.Grow(bits.OnesCount32(uint32(f)))
	for g := f; g != 0; g &= g - 1 {
		sb.WriteByte(letters[bits.TrailingZeros32(uint32(g))])
	}
	return sb.String()
}
