package localstatus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

const plainMagic = "OFFLINEIMAP LocalStatus CACHE DATA - DO NOT MODIFY - FORMAT "

// readPlain reads a status file of OfflineIMAP before 7.1: after the first line
// one mail a line, uid:flags in format 1 and uid|flags|mtime|labels in format 2.
// A last line without an end was cut off, and what it says is not taken.
func readPlain(ctx context.Context, path string) ([]mail.Entry, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		return nil, fmt.Errorf("%s is empty", path)
	}
	first, data, whole := bytes.Cut(data, []byte{'\n'})
	format, ok := strings.CutPrefix(string(bytes.TrimSpace(first)), plainMagic)
	sep := map[string]string{"1": ":", "2": "|"}[format]
	switch {
	case !ok:
		return nil, fmt.Errorf("%s is no status file of OfflineIMAP: its first line is another", path)
	case sep == "":
		return nil, fmt.Errorf("%s is in format %q, which is not known", path, format)
	case !whole:
		return nil, fmt.Errorf("%s ends in its first line", path)
	}
	var rows []mail.Entry
	for n := 2; ; n++ {
		line, rest, whole := bytes.Cut(data, []byte{'\n'})
		if !whole {
			return rows, ctx.Err()
		}
		data = rest
		text := strings.TrimSpace(string(line))
		if text == "" {
			continue
		}
		e, err := plainRow(text, sep)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, n, err)
		}
		rows = append(rows, e)
	}
}

func plainRow(text, sep string) (mail.Entry, error) {
	fields := strings.SplitN(text, sep, 4)
	if len(fields) < 2 || sep == ":" && len(fields) != 2 || sep == "|" && len(fields) != 4 {
		return mail.Entry{}, errors.New("it is no record of a mail")
	}
	uid, err := strconv.ParseUint(strings.TrimSpace(fields[0]), 10, 32)
	if err != nil || uid == 0 {
		return mail.Entry{}, fmt.Errorf("%.20q is no UID", fields[0])
	}
	return mail.Entry{UID: mail.UID(uid), Flags: mail.ParseLetters(fields[1])}, nil
}

// readValidity reads a FolderValidity file: a number in its first line.
func readValidity(path string) (uint32, error) {
	data, err := readFile(path)
	if err != nil {
		return 0, err
	}
	first, _, _ := bytes.Cut(data, []byte{'\n'})
	v, err := strconv.ParseUint(string(bytes.TrimSpace(first)), 10, 32)
	if err != nil || v == 0 {
		return 0, fmt.Errorf("%s holds no UIDVALIDITY", path)
	}
	return uint32(v), nil
}
