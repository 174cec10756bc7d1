package interp

import (
	"os"
	"strings"
	"unicode/utf8"

	"github.com/offlineimap/offlineimapd/internal/pyexpr/raise"
)

// lookupEnv is a variable of the environment.
func lookupEnv(name any) (any, bool, error) {
	s, err := textOf(name)
	if err != nil {
		return nil, false, err
	}
	v, ok := os.LookupEnv(s)
	if !ok || !utf8.ValidString(s) {
		return nil, false, nil
	}
	if !utf8.ValidString(v) {
		return nil, false, raise.Unsupported("a variable that is no UTF-8")
	}
	return v, true, nil
}

// getenv is os.getenv and os.environ.get.
var getenv = method{params: "key default?", call: func(_ *Run, _ any, a []any) (any, error) {
	v, ok, err := lookupEnv(a[0])
	if ok || err != nil || a[1] == (absent{}) {
		return v, err
	}
	return a[1], nil
}}.builtin("getenv")

func osModule() *Module {
	path := map[string]any{"sep": "/"}
	for name, m := range pathFunctions {
		path[name] = m.builtin(name)
	}
	return &Module{"os", map[string]any{
		"environ": Environ{},
		"getenv":  getenv,
		"path":    &Module{"os.path", path},
		"sep":     "/",
		"linesep": "\n",
	}}
}

// onPath is a function of one path.
func onPath(f func(string) (any, error)) method {
	return method{params: "path", call: func(r *Run, _ any, a []any) (any, error) {
		s, err := pathOf(a[0])
		if err != nil {
			return nil, err
		}
		if err := r.make(len(s)); err != nil {
			return nil, err
		}
		return f(s)
	}}
}

func pathOf(v any) (string, error) {
	if _, ok := v.(Bytes); ok {
		return "", raise.Unsupported("a path of bytes")
	}
	return textOf(v)
}

var pathFunctions = map[string]method{
	"join": {raw: func(r *Run, _ any, a args) (any, error) {
		if len(a.kw) > 0 || len(a.pos) == 0 {
			return nil, raise.Unsupported("such a join")
		}
		out, err := pathOf(a.pos[0])
		if err != nil {
			return nil, err
		}
		for _, v := range a.pos[1:] {
			s, err := pathOf(v)
			switch {
			case err != nil:
				return nil, err
			case strings.HasPrefix(s, "/"):
				out = s
			case out == "" || strings.HasSuffix(out, "/"):
				out += s
			default:
				out += "/" + s
			}
			if err := r.make(len(out)); err != nil {
				return nil, err
			}
		}
		return out, nil
	}},
	"basename": onPath(func(s string) (any, error) { return s[strings.LastIndexByte(s, '/')+1:], nil }),
	"dirname": onPath(func(s string) (any, error) {
		return dirname(s), nil
	}),
	"split": onPath(func(s string) (any, error) {
		return &Tuple{[]any{dirname(s), s[strings.LastIndexByte(s, '/')+1:]}}, nil
	}),
	"expanduser": onPath(expandUser),
	"expandvars": onPath(expandVars),
}

func dirname(s string) string {
	head := s[:strings.LastIndexByte(s, '/')+1]
	if cut := strings.TrimRight(head, "/"); cut != "" {
		return cut
	}
	return head
}

func expandUser(s string) (any, error) {
	if !strings.HasPrefix(s, "~") {
		return s, nil
	}
	if s != "~" && s[1] != '/' {
		return nil, raise.Unsupported("the home of somebody else")
	}
	home, ok, err := lookupEnv("HOME")
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, raise.Unsupported("a home without HOME")
	}
	if out := strings.TrimRight(home.(string), "/") + s[1:]; out != "" {
		return out, nil
	}
	return "/", nil
}

func expandVars(s string) (any, error) {
	var b strings.Builder
	for {
		at := strings.IndexByte(s, '$')
		if at < 0 {
			b.WriteString(s)
			return b.String(), nil
		}
		b.WriteString(s[:at])
		s = s[at+1:]
		size, name := 0, ""
		if strings.HasPrefix(s, "{") {
			if end := strings.IndexByte(s, '}'); end >= 0 {
				size, name = end+1, s[1:end]
			}
		} else {
			for size < len(s) && (s[size] == '_' || '0' <= s[size] && s[size] <= '9' || 'a' <= s[size]|0x20 && s[size]|0x20 <= 'z') {
				size++
			}
			name = s[:size]
		}
		v, ok, err := lookupEnv(name)
		if err != nil {
			return nil, err
		}
		if size == 0 || !ok {
			b.WriteString("$" + s[:size])
		} else {
			b.WriteString(v.(string))
		}
		s = s[size:]
	}
}
