package config

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Secret says where a password comes from: the file that it is the first line
// of, or itself, as it stood in the configuration. However it is printed,
// logged or marshalled, its Literal does not appear.
type Secret struct {
	File    string
	Literal string
}

// maxSecret is more than any password or token has.
const maxSecret = 64 << 10

// Read returns the password, "" where none is configured. The Literal goes
// before the File; of that, the first line counts, trimmed.
func (s Secret) Read() (string, error) {
	if s.Literal != "" || s.File == "" {
		return s.Literal, nil
	}
	f, err := open(s.File)
	if err != nil {
		return "", fmt.Errorf("read the password file: %w", err)
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, maxSecret+1)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("read the password file: %w", err)
	}
	if len(line) > maxSecret {
		return "", fmt.Errorf("read the password file %s: its first line is longer than %d octets", s.File, maxSecret)
	}
	return strings.TrimSpace(line), nil
}

// String says where the secret comes from.
func (s Secret) String() string {
	switch {
	case s.Literal != "":
		return "(in the configuration)"
	case s.File != "":
		return "(in " + s.File + ")"
	}
	return "(none)"
}

// Format prints String whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// LogValue logs String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON writes String.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }
