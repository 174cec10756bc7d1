package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// A chunk holds the mails whose UIDs share all but their last eight bits.
// SQLite pays by the row: a base of 200,000 mails is 800 chunks of about 500
// octets, read in about a hundredth of the time that single rows take.
const slotBits = 8

func slotOf(u mail.UID) int64 { return int64(u >> slotBits) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is the checksum of a row: SQLite has none, and a disk that returns an
// old or a foreign block must not become a mail that is taken for deleted.
func sum(numbers []int64, octets ...[]byte) uint32 {
	var b [8]byte
	s := uint32(0)
	add := func(n int64) {
		binary.LittleEndian.PutUint64(b[:], uint64(n))
		s = crc32.Update(s, castagnoli, b[:])
	}
	for _, n := range numbers {
		add(n)
	}
	for _, o := range octets {
		add(int64(len(o)))
		s = crc32.Update(s, castagnoli, o)
	}
	return s
}

// pack writes the mails of one slot, ascending: a checksum, then for each mail
// the distance to the one before, less one, and its flags, as varints. A run
// of read mails takes two octets each.
func pack(folder, slot int64, mails []mail.Entry) []byte {
	b := make([]byte, 4, 4+3*len(mails))
	next := mail.UID(slot << slotBits)
	for _, m := range mails {
		b = binary.AppendUvarint(b, uint64(m.UID-next))
		b = binary.AppendUvarint(b, uint64(m.Flags))
		next = m.UID + 1
	}
	binary.LittleEndian.PutUint32(b, sum([]int64{folder, slot}, b[4:]))
	return b
}

// unpack appends the mails of one slot to mails.
func unpack(mails []mail.Entry, folder, slot int64, b []byte) ([]mail.Entry, error) {
	bad := &damage{fmt.Sprintf("the mails of folder %d, slot %d, are not what was written", folder, slot)}
	if len(b) < 4 || binary.LittleEndian.Uint32(b) != sum([]int64{folder, slot}, b[4:]) {
		return nil, bad
	}
	next := uint64(slot) << slotBits
	for b = b[4:]; len(b) > 0; {
		gap, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, bad
		}
		flags, m := binary.Uvarint(b[n:])
		uid := next + gap
		if m <= 0 || flags > uint64(mail.AllFlags) || gap >= 1<<slotBits || uid>>slotBits != uint64(slot) {
			return nil, bad
		}
		mails = append(mails, mail.Entry{UID: mail.UID(uid), Flags: mail.Flags(flags)})
		next = uid + 1
		b = b[n+m:]
	}
	return mails, nil
}

// packStamp writes a stamp so that a person who looks into the file can read it.
func packStamp(s mail.Stamp) []byte {
	sure := "unsure"
	if s.Sure {
		sure = "sure"
	}
	return fmt.Appendf(nil, "%d %d %d %d %d %s %s", s.UIDValidity, s.UIDNext, uint64(s.ModSeq), s.Messages, uint32(s.Mask), sure, s.Token)
}

func unpackStamp(b []byte) (mail.Stamp, error) {
	p := bytes.SplitN(b, []byte(" "), 7)
	if len(p) != 7 {
		return mail.Stamp{}, &damage{fmt.Sprintf("%q is not a stamp", b)}
	}
	var n [5]uint64
	for i, bits := range [5]int{32, 32, 64, 32, 32} {
		var err error
		if n[i], err = strconv.ParseUint(string(p[i]), 10, bits); err != nil {
			return mail.Stamp{}, &damage{fmt.Sprintf("%q is not a stamp", b)}
		}
	}
	return mail.Stamp{
		UIDValidity: uint32(n[0]), UIDNext: mail.UID(n[1]), ModSeq: mail.ModSeq(n[2]), Messages: uint32(n[3]),
		Mask: mail.Flags(n[4]), Sure: string(p[5]) == "sure", Token: string(p[6]),
	}, nil
}
