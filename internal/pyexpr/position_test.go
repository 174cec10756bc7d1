package pyexpr_test

import (
	"errors"
	"testing"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

func TestPosition(t *testing.T) {
	for _, w := range []struct {
		src          string
		line, column int
	}{
		{"lambda f: f not", 1, 13},
		{"lambda f: (f in ['ä', 'b')", 1, 26},
		{"lambda f: f in ['ä', 'b'", 1, 16},
		{"  print x", 1, 9},
		{"lambda f: f in [\n'a',\n'b' 'c' d]", 3, 9},
		{"re.sub('a, 'b')", 1, 13},
		{"f'{}'", 1, 1},
		{"x = 1", 1, 3},
	} {
		var e *pyexpr.Error
		if err := pyexpr.Check(w.src); !errors.As(err, &e) || e.Kind != "SyntaxError" || e.Line != w.line || e.Column != w.column {
			t.Errorf("%q: %+v, want line %d, column %d", w.src, err, w.line, w.column)
			if e != nil {
				t.Errorf("it is line %d, column %d: %s", e.Line, e.Column, e.Text)
			}
		}
	}
}
