package maildir

import "bytes"

// Mails have CRLF line ends on the wire and LF in a file. A file with more CRLF
// than bare LF was written in wire form by another program, and is read so: CRLF
// stays, a bare LF becomes CRLF. In any other file every LF becomes CRLF, and a
// CR before it, which is no part of the line end, stays. The whole file decides,
// so that it does not matter in what pieces it is read.

// tally counts the line ends of a file.
type tally struct {
	lf   int64 // all
	crlf int64 // those of them with a CR before
}

// wire tells whether a file with these line ends is in wire form.
func (t tally) wire() bool { return t.crlf > t.lf-t.crlf }

// grow is by how many octets the file grows on its way to the wire.
func (t tally) grow() int64 {
	if t.wire() {
		return t.lf - t.crlf
	}
	return t.lf
}

// count adds the line ends of a piece of a file. prev is the octet before it.
func (t *tally) count(piece []byte, prev byte) {
	if prev != '\r' && bytes.IndexByte(piece, '\r') < 0 {
		t.lf += int64(bytes.Count(piece, []byte{'\n'}))
		return
	}
	for {
		i := bytes.IndexByte(piece, '\n')
		if i < 0 {
			return
		}
		t.lf++
		if i > 0 {
			prev = piece[i-1]
		}
		if prev == '\r' {
			t.crlf++
		}
		piece, prev = piece[i+1:], '\n'
	}
}

// toFile makes LF of each CRLF of a piece from the wire, in place, and counts the
// line ends of what comes out. A piece must not part a CR from an LF after it.
func (t *tally) toFile(piece []byte, prev byte) []byte {
	out := piece[:0]
	for len(piece) > 0 {
		i := bytes.IndexByte(piece, '\n')
		if i < 0 {
			return append(out, piece...)
		}
		t.lf++
		// What is left of piece was not overwritten yet, but what is before it was:
		// the octet there is always LF, or prev at the start.
		if i == 0 || piece[i-1] != '\r' {
			out = append(out, piece[:i+1]...)
		} else {
			if i > 1 {
				prev = piece[i-2]
			}
			if prev == '\r' {
				t.crlf++
			}
			out = append(out, piece[:i-1]...)
			out = append(out, '\n')
		}
		piece, prev = piece[i+1:], '\n'
	}
	return out
}

// staysWire tells whether a whole mail must be stored as it came, because its
// file would otherwise be taken for one in wire form: most of its lines end in
// CR CR LF.
func staysWire(whole []byte) bool {
	t := tally{crlf: int64(bytes.Count(whole, []byte("\r\r\n")))}
	if t.crlf == 0 {
		return false
	}
	t.lf = int64(bytes.Count(whole, []byte{'\n'}))
	return t.wire()
}

// appendWire appends a piece of a file in wire form. wire says how the whole
// file is to be read, prev is the octet before the piece.
func appendWire(out, piece []byte, prev byte, wire bool) []byte {
	for {
		i := bytes.IndexByte(piece, '\n')
		if i < 0 {
			return append(out, piece...)
		}
		if i > 0 {
			prev = piece[i-1]
		}
		if wire && prev == '\r' {
			out = append(out, piece[:i+1]...)
		} else {
			out = append(out, piece[:i]...)
			out = append(out, '\r', '\n')
		}
		piece, prev = piece[i+1:], '\n'
	}
}
