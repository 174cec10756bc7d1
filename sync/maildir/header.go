package maildir

import "bytes"

// identify reads the Message-ID and Date fields from the start of a mail, with
// either line end, unfolded (RFC 5322, section 2.2.3) and without surrounding
// white space. A Message-ID that is repeated identifies nothing. A line that is
// no field, such as an mbox's From line, ends the header only where it is empty.
func identify(head []byte) (messageID, date string) {
	ids, dates := 0, 0
	for len(head) > 0 && head[0] != '\n' && !bytes.HasPrefix(head, []byte("\r\n")) {
		end := fieldEnd(head)
		field := head[:end]
		head = head[end:]
		name, value, ok := bytes.Cut(field, []byte{':'})
		if !ok {
			continue
		}
		name = bytes.TrimRight(name, " \t")
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
	}
	return messageID, date
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
