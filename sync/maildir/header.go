package maildir

import (
	"bytes"
	"time"

	"github.com/offlineimap/offlineimapd/sync/maildir/date"
)

// identify reads the Message-ID and Date fields from the start of a mail, with
// either line end, unfolded (RFC 5322, section 2.2.3) and without surrounding
// white space. A Message-ID that is repeated identifies nothing. A line that is
// no field, such as an mbox's From line, ends the header only where it is empty.
func identify(head []byte) (messageID, date string) {
	ids, dates := 0, 0
	eachField(head, func(name, value []byte) {
		switch {
		case bytes.EqualFold(name, []byte("Message-ID")):
			if ids++; ids == 1 {
				messageID = unfold(value)
			} else {
				messageID = ""
			}
		case bytes.EqualFold(name, []byte("Date")):
			if dates++; dates == 1 {
				date = unfold(value)
			}
		}
	})
	return messageID, date
}

// dates are what a header says of when its mail was written and when it came to
// where it was kept first; zero where it does not say.
type dates struct{ date, delivery time.Time }

// named is the time to name a file by.
func (d dates) named() time.Time {
	if d.date.IsZero() {
		return d.delivery
	}
	return d.date
}

// datesOf reads them from the start of a mail. Of a repeated field the first
// counts, whether it can be read or not.
func datesOf(head []byte) (d dates) {
	var seen [2]bool
	read := func(i int, value []byte, to *time.Time) {
		if t, ok := date.Parse(string(value), time.Local); ok && !seen[i] {
			*to = t
		}
		seen[i] = true
	}
	eachField(head, func(name, value []byte) {
		switch {
		case bytes.EqualFold(name, []byte("Date")):
			read(0, value, &d.date)
		case bytes.EqualFold(name, []byte("Delivery-date")):
			read(1, value, &d.delivery)
		}
	})
	return d
}

// eachField calls f with the name and the value, still folded, of each field of
// the header at the start of a mail.
func eachField(head []byte, f func(name, value []byte)) {
	for len(head) > 0 && head[0] != '\n' && !bytes.HasPrefix(head, []byte("\r\n")) {
		end := fieldEnd(head)
		field := head[:end]
		head = head[end:]
		if name, value, ok := bytes.Cut(field, []byte{':'}); ok {
			f(bytes.TrimRight(name, " \t"), value)
		}
	}
}

// fieldEnd is the length of the field at the start of b, with its continuation
// lines and line ends.
func fieldEnd(b []byte) int {
	for i := 0; ; {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return len(b)
		}
		if i += n + 1; i == len(b) || b[i] != ' ' && b[i] != '\t' {
			return i
		}
	}
}

func unfold(value []byte) string {
	value = bytes.ReplaceAll(value, []byte("\r\n"), nil)
	value = bytes.ReplaceAll(value, []byte("\n"), nil)
	return string(bytes.TrimSpace(value))
}
