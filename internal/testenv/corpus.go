package testenv

import "io"

// CorpusMail is one mail of the corpus.
type CorpusMail struct {
	Name string
	Size int64
	Open func() io.Reader // a fresh reader of Size octets; the large ones are made as they are read
}

// Bytes returns all of the mail.
func (c CorpusMail) Bytes() []byte { b, _ := io.ReadAll(c.Open()); return b }

// Corpus returns enmime's test data, the mails of Debian's
// libpython3.x-testsuite, and the made ones.
func Corpus(t T) []CorpusMail { t.Fatalf("not yet"); return nil }

// Difficult returns only the made mails: 0 bytes, 1 byte, NUL, bare CR, bare
// LF, 8-bit headers, long lines, no blank line, From first, doubled and
// missing Message-IDs; and with large set the one of 50 MB.
func Difficult(large bool) []CorpusMail { return nil }
