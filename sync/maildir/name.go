package maildir

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// scheme reads and writes the file names of one folder.
type scheme struct {
	fmd5 []byte // ",FMD5=<hex>", what makes a UID in a name one of this folder
	info []byte // ":2," or "!2,", what is written; both are read
	// former are like fmd5, of names that the folder had: its files keep theirs.
	former [][]byte
}

func newScheme(infoSeparator byte, visible string, formerly ...string) scheme {
	s := scheme{fmd5: fmd5(visible), info: []byte{infoSeparator, '2', ','}}
	for _, name := range formerly {
		s.former = append(s.former, fmd5(name))
	}
	return s
}

func fmd5(visible string) []byte {
	sum := md5.Sum([]byte(visible))
	return append([]byte(",FMD5="), hex.EncodeToString(sum[:])...)
}

// bears tells whether a name, whose UID stands before rest, is of this folder.
func (s scheme) bears(name, rest []byte) bool {
	// Names of our own making have the FMD5 right there.
	return bytes.HasPrefix(rest, s.fmd5) || bytes.Contains(name, s.fmd5) ||
		slices.ContainsFunc(s.former, func(f []byte) bool { return bytes.Contains(name, f) })
}

var uidField = []byte(",U=")

// parse reads a file name: how much of it is the base, which stays when flags
// change, the UID, 0 without one that is good here, and the flags.
func (s scheme) parse(name []byte) (base int, uid mail.UID, flags mail.Flags) {
	base = infoAt(name)
	if base < len(name) {
		for _, c := range name[base+infoSize:] {
			if !isWord(c) {
				break
			}
			flags |= mail.Letter(c)
		}
	}
	return base, s.uid(name), flags
}

const infoSize = len(":2,")

// infoAt returns where the info part of a name begins, its length if it has
// none. Either separator is read, whichever is written now: a tree keeps its
// flags when the option for it is changed, and one that another program wrote
// has them. Of several the last counts that only flags follow, which no change
// of flags alters; where there is none such, the first.
func infoAt(name []byte) int {
	n := len(name)
	for n > 0 && isWord(name[n-1]) {
		n--
	}
	if n >= infoSize && isInfo(name[n-infoSize:]) {
		return n - infoSize
	}
	for i := 0; i+infoSize <= n; i++ {
		if isInfo(name[i:]) {
			return i
		}
	}
	return len(name)
}

// isInfo tells whether b, of at least infoSize octets, begins with an info part.
func isInfo(b []byte) bool {
	return (b[0] == ':' || b[0] == '!') && b[1] == '2' && b[2] == ','
}

// uid reads the first ",U=<digits>"; it counts only with this folder's FMD5
// anywhere in the name, so that a mail moved here from another folder is new.
func (s scheme) uid(name []byte) mail.UID {
	for rest := name; ; {
		i := bytes.Index(rest, uidField)
		if i < 0 {
			return 0
		}
		rest = rest[i+len(uidField):]
		n, digits := uint64(0), 0
		for ; digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9'; digits++ {
			if n <= math.MaxUint32 {
				n = n*10 + uint64(rest[digits]-'0')
			}
		}
		if digits == 0 {
			continue
		}
		if n > math.MaxUint32 || !s.bears(name, rest[digits:]) {
			return 0
		}
		return mail.UID(n)
	}
}

// isWord tells whether c belongs to the run of flags, as OfflineIMAP reads it:
// a field after it, such as another program's, is no flag.
func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// suffix returns the info part for a name that had the flags and other letters
// of old after its base: other letters, and what follows the run, stay.
func (s scheme) suffix(old string, flags mail.Flags) string {
	run := []byte(flags.String())
	rest := ""
	if len(old) > infoSize {
		old = old[infoSize:]
		n := 0
		for ; n < len(old) && isWord(old[n]); n++ {
			if mail.Letter(old[n]) == 0 && !slices.Contains(run, old[n]) {
				run = append(run, old[n])
			}
		}
		rest = old[n:]
		slices.Sort(run)
	}
	return string(s.info) + string(run) + rest
}

// freshName makes a base that no other file has:
// <sec>_<seq>.<pid>.<host>,U=<uid>,FMD5=<md5>.
func (s *Store) freshName(c scheme, uid mail.UID) string {
	return s.name(c, uid, s.o.Now().Unix(), s.o.Names.Add(1)-1)
}

// datedName makes one whose first number is not the time of its making. That is
// then part of the second, as else a process with the same number could make the
// same name again one day.
func (s *Store) datedName(c scheme, uid mail.UID, at time.Time) string {
	const room = 1_000_000 // names in a second
	return s.name(c, uid, at.Unix(), uint64(max(s.o.Now().Unix(), 0))*room+(s.o.Names.Add(1)-1)%room)
}

func (s *Store) name(c scheme, uid mail.UID, sec int64, seq uint64) string {
	b := make([]byte, 0, 128)
	b = strconv.AppendInt(b, sec, 10)
	b = append(b, '_')
	b = strconv.AppendUint(b, seq, 10)
	b = append(b, s.origin...)
	b = append(b, uidField...)
	b = strconv.AppendUint(b, uint64(uid), 10)
	b = append(b, c.fmd5...)
	return string(b)
}
