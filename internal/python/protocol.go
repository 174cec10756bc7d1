package python

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

// largest is how many octets an answer may have; the driver knows it, too.
const largest = 16 << 20

// question is one request to the driver.
type question struct {
	Op    string  `json:"op"` // load, eval or call
	File  string  `json:"file,omitempty"`
	Src   string  `json:"src"`
	N     int     `json:"n"`     // which of the functions in the value of Src
	Args  []any   `json:"args"`  // encoded
	Limit float64 `json:"limit"` // seconds

	why error // what the process itself lacks
}

// reply is the answer to one: a value, or what was raised.
type reply struct {
	Value any    `json:"value"`
	Kind  string `json:"kind"`
	Text  string `json:"text"`
	Line  int    `json:"line"` // in the user's file; 0: not there
}

// frame is v as it goes through a pipe.
func frame(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if len(data) > largest {
		return nil, errArguments
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...), nil
}

// readBegun waits for the sign that the driver goes to work on a question.
func readBegun(r io.Reader) error {
	var b [1]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return err
	}
	if b[0] != '+' {
		return errAnswer
	}
	return nil
}

func readReply(r io.Reader) (reply, error) {
	var a reply
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return a, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > largest {
		return a, fmt.Errorf("an answer of %d octets", n)
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(r, data); err != nil {
		return a, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return a, d.Decode(&a)
}

// encode turns a value into what the driver's decode takes. JSON has strings,
// whole numbers, booleans and null; all else is a pair of a tag and its content.
func encode(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool, int, int64:
		return v, nil
	case float64:
		return []any{"f", strconv.FormatFloat(v, 'g', -1, 64)}, nil
	case string:
		if utf8.ValidString(v) {
			return v, nil
		}
		return []any{"s", []byte(v)}, nil
	case pyexpr.Bytes:
		return []any{"b", []byte(v)}, nil
	case pyexpr.List:
		return encodeItems("l", v)
	case pyexpr.Tuple:
		return encodeItems("t", v)
	case pyexpr.Dict:
		pairs := make([]any, len(v))
		for i, p := range v {
			k, err := encode(p.Key)
			if err != nil {
				return nil, err
			}
			x, err := encode(p.Value)
			if err != nil {
				return nil, err
			}
			pairs[i] = []any{k, x}
		}
		return []any{"d", pairs}, nil
	}
	return nil, fmt.Errorf("a %T cannot be given to Python", v)
}

func encodeItems(tag string, items []any) (any, error) {
	out := make([]any, len(items))
	for i, v := range items {
		var err error
		if out[i], err = encode(v); err != nil {
			return nil, err
		}
	}
	return []any{tag, out}, nil
}

var errArguments = errors.New("the arguments are too large")

var errAnswer = errors.New("an answer that makes no sense")

// decode turns an answer's value into one of pyexpr's; function makes the nth of
// the functions in it.
func decode(v any, function func(n int) any) (any, error) {
	switch v := v.(type) {
	case nil, bool, string:
		return v, nil
	case json.Number:
		return strconv.ParseInt(v.String(), 10, 64)
	case []any:
		if len(v) != 2 {
			return nil, errAnswer
		}
		switch x := v[1].(type) {
		case string:
			return decodeText(v[0], x)
		case json.Number:
			n, err := strconv.Atoi(x.String())
			if err != nil || v[0] != "c" || n < 0 || function == nil {
				return nil, errAnswer
			}
			return function(n), nil
		case []any:
			return decodeItems(v[0], x, function)
		}
	}
	return nil, errAnswer
}

func decodeText(tag any, s string) (any, error) {
	if tag == "f" {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil && !math.IsInf(x, 0) {
			return nil, errAnswer
		}
		return x, nil
	}
	b, err := base64.StdEncoding.DecodeString(s)
	switch {
	case err != nil:
	case tag == "s":
		return string(b), nil
	case tag == "b":
		return pyexpr.Bytes(b), nil
	}
	return nil, errAnswer
}

func decodeItems(tag any, items []any, function func(int) any) (any, error) {
	if tag == "d" {
		out := make(pyexpr.Dict, len(items))
		for i, item := range items {
			pair, ok := item.([]any)
			if !ok || len(pair) != 2 {
				return nil, errAnswer
			}
			var err error
			if out[i].Key, err = decode(pair[0], function); err != nil {
				return nil, err
			}
			if out[i].Value, err = decode(pair[1], function); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	out := make([]any, len(items))
	for i, item := range items {
		var err error
		if out[i], err = decode(item, function); err != nil {
			return nil, err
		}
	}
	switch tag {
	case "l":
		return pyexpr.List(out), nil
	case "t":
		return pyexpr.Tuple(out), nil
	}
	return nil, errAnswer
}
