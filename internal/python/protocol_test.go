package python

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

// TestNonsense is about answers that no driver gives: the code of the user can
// write to any file that is open.
func TestNonsense(t *testing.T) {
	for _, s := range []string{
		``, `[`, `[]`, `1`, `"x"`, "\x00", `{"value": 1.5}`, `{"value": 9223372036854775808}`, `{"value": {}}`,
		`{"value": []}`, `{"value": ["l"]}`, `{"value": ["l", [], []]}`, `{"value": ["l", null]}`, `{"value": ["l", {}]}`,
		`{"value": ["x", []]}`, `{"value": ["x", "QQ=="]}`, `{"value": ["b", "?"]}`, `{"value": ["f", "one"]}`,
		`{"value": ["c", 0]}`, `{"value": ["c", -1]}`, `{"value": ["b", 0]}`, `{"value": ["d", [1]]}`, `{"value": ["d", [[1]]]}`,
		`{"value": [["c"], []]}`, `{"value": [[], "QQ=="]}`, `{"value": [{}, 1]}`, `{"kind": 1}`, `{"line": "x"}`,
		`{"value": ` + strings.Repeat(`["l", [`, 20000),
	} {
		head := binary.BigEndian.AppendUint32(nil, uint32(len(s)))
		a, err := readReply(bytes.NewReader(append(head, s...)))
		if err == nil {
			_, err = decode(a.Value, nil)
		}
		if err == nil {
			t.Errorf("%.60s makes sense", s)
		}
	}
	for _, s := range []string{"", "\x00", "\x00\x00\x00\x05null", "\xff\xff\xff\xff", "\x01\x00\x00\x01" + strings.Repeat(" ", 100)} {
		if _, err := readReply(strings.NewReader(s)); err == nil {
			t.Errorf("%q is an answer", s)
		}
	}
	if err := readBegun(strings.NewReader("x")); err == nil {
		t.Error("any octet is the sign that work has begun")
	}
}

func TestLargeArguments(t *testing.T) {
	e, _ := evaluator(t, "")
	f := must(t, e, "len").(pyexpr.Func)
	pid := e.child()
	if got := call(t, f, strings.Repeat("x", 15<<20)); got != int64(15<<20) {
		t.Error(got)
	}
	if _, err := f.Call(t.Context(), strings.Repeat("x", 17<<20)); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Error(err)
	}
	if e.child() != pid {
		t.Error("the child was ended although it had done no wrong")
	}
}

func TestGarbage(t *testing.T) {
	e, _ := evaluator(t, "")
	fails(t, e, `os.write(4, b"\0\0\0\4nope") and __import__("time").sleep(1000)`, "there is no answer")
	if got := must(t, e, "len('abc')"); got != int64(3) {
		t.Error(got)
	}
}
