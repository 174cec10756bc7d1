package python

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

// helpers is what such files look like.
const helpers = `#!/usr/bin/env python
# -*- coding: utf-8 -*-
import os, re, subprocess
from os import environ
try:
    import keyring
except ImportError:
    class keyring:
        @staticmethod
        def get_password(host, user):
            return "ring-%s-%s" % (host, user)

def get_password(host, user):
    return "pw:" + host + ":" + user

def get_pass(account=None, command=None, server=None, passwd_file=None):
    if command:
        return subprocess.check_output(command).strip()
    return subprocess.check_output(["gpg", "-dq", passwd_file]).strip()

def get_authinfo(machine):
    out = subprocess.check_output("gpg -dq ~/.authinfo.gpg", shell=True).decode()
    m = re.search(r"machine %s login (\S+) password (\S+)" % re.escape(machine), out)
    return {"login": m.group(1), "password": m.group(2)}

def get_credentials(name):
    return ("user-" + name, "secret-" + name)

mapping = {"[Gmail]/All Mail": "archive", "[Gmail]/Sent": "sent"}
reverse = {v: k for k, v in mapping.items()}

def nt_remote(folder):
    return mapping.get(folder, folder)

def convert(folder):
    return folder.replace("&AOQ-", "ä")

def exclude(names):
    return lambda f: f not in names

def lld_cmp(a, b):
    order = ["INBOX", "Sent"]
    return cmp_(order.index(a), order.index(b))

def cmp_(a, b):
    return (a > b) - (a < b)

def octets(folder):
    return folder.encode("utf-8", "surrogateescape")

def broken(folder):
    if folder:
        raise ValueError("no such thing: " + folder)
`

// tools puts programs that give passwords into PATH.
func tools(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for name, body := range map[string]string{
		"pass": "#!/bin/sh\n[ \"$1\" = show ] && shift\necho \"pass-of-$1\"\n",
		"gpg":  "#!/bin/sh\necho 'machine imap.example.net login me password s3cret\u00e4'\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestCredentials(t *testing.T) {
	tools(t)
	t.Setenv("MAIL_USER", "me@example.net")
	t.Setenv("MAIL_PORT", "1143")
	t.Setenv("ODD", "a\xffb")
	e, log := evaluator(t, helpers)
	line := "machine imap.example.net login me password s3cret\u00e4"
	for src, want := range map[string]any{
		`get_password("imap.example.net", "me@example.net")`:                      "pw:imap.example.net:me@example.net",
		`get_pass(account="a", server="b", passwd_file="x.gpg")`:                  pyexpr.Bytes(line),
		`get_pass(0, ["pass", "show", "mail/x"]).decode()`:                        "pass-of-mail/x",
		`keyring.get_password("host", "user")`:                                    "ring-host-user",
		`environ["MAIL_USER"]`:                                                    "me@example.net",
		`os.environ['MAIL_USER']`:                                                 "me@example.net",
		`os.getenv("NOT_THERE")`:                                                  nil,
		`int(environ["MAIL_PORT"])`:                                               int64(1143),
		`'plain-password'`:                                                        "plain-password",
		`subprocess.check_output(["pass", "mail"]).strip()`:                       pyexpr.Bytes("pass-of-mail"),
		`os.popen("gpg -dq ~/.x.gpg").read().strip()`:                             line,
		`get_credentials("x")[1]`:                                                 "secret-x",
		"get_authinfo(\n  'imap.example.net',\n)[\"password\"]":                   "s3cret\u00e4",
		`get_authinfo('imap.example.net')`:                                        pyexpr.Dict{{Key: "login", Value: "me"}, {Key: "password", Value: "s3cret\u00e4"}},
		`environ["ODD"]`:                                                          "a\xffb",
		`__import__("keyword").iskeyword("if")`:                                   true,
		`  get_credentials("x") `:                                                 pyexpr.Tuple{"user-x", "secret-x"},
		`__name__`:                                                                "<none>",
		`reverse`:                                                                 pyexpr.Dict{{Key: "archive", Value: "[Gmail]/All Mail"}, {Key: "sent", Value: "[Gmail]/Sent"}},
		`subprocess.check_output("pass show a | sed s/pass/PASS/", shell=True)`:   pyexpr.Bytes("PASS-of-a\n"),
		`subprocess.run(["pass", "a"], stdout=subprocess.PIPE, text=True).stdout`: "pass-of-a\n",
	} {
		if got := must(t, e, src); !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %#v, want %#v", src, got, want)
		}
	}
	if s := log.String(); s != "" {
		t.Errorf("logged: %s", s)
	}
}

func TestFunctions(t *testing.T) {
	e, _ := evaluator(t, helpers)
	for _, c := range []struct {
		src  string
		args []any
		want any
	}{
		{`nt_remote`, []any{"[Gmail]/All Mail"}, "archive"},
		{`nt_remote`, []any{"INBOX"}, "INBOX"},
		{`lambda f: convert(f)`, []any{"G&AOQ-ste"}, "Gäste"},
		{`exclude(['A', 'B'])`, []any{"A"}, false},
		{`lambda f: re.search('^Lists\.', f)`, []any{"Lists.go"}, true},
		{`lambda f: re.search('^Lists\.', f)`, []any{"Go"}, nil},
		{`lambda x, y: -cmp(x, y)`, []any{int64(1), int64(2)}, int64(1)},
		{`lld_cmp`, []any{"INBOX", "Sent"}, int64(-1)},
		{`lambda x: {'INBOX': range(3, 6)}.get(x)`, []any{"INBOX"}, pyexpr.List{int64(3), int64(4), int64(5)}},
		{`lambda d: (d['accountname'], d['foldername'])`, []any{pyexpr.Dict{{Key: "accountname", Value: "a"}, {Key: "foldername", Value: "b"}}}, pyexpr.Tuple{"a", "b"}},
		{`octets`, []any{"a\xffb"}, pyexpr.Bytes("a\xffb")},
		{`lambda *a: list(a)`, []any{nil, true, int64(-1), 1.5, "ä\u2028<&", "\xff", pyexpr.Bytes("\x00\xff"), pyexpr.Tuple{int64(1)}, pyexpr.List{}},
			pyexpr.List{nil, true, int64(-1), 1.5, "ä\u2028<&", "\xff", pyexpr.Bytes("\x00\xff"), pyexpr.Tuple{int64(1)}, pyexpr.List{}}},
		{`str.upper`, []any{"a"}, "A"},
	} {
		if got := call(t, must(t, e, c.src), c.args...); !reflect.DeepEqual(got, c.want) {
			t.Errorf("(%s)(%q) = %#v, want %#v", c.src, c.args, got, c.want)
		}
	}
	both := must(t, e, `[len, (max, nt_remote)]`).(pyexpr.List)
	if got := call(t, both[1].(pyexpr.Tuple)[1], "[Gmail]/Sent"); got != "sent" {
		t.Errorf("a function within a value gives %#v", got)
	}
	if _, err := must(t, e, `exclude`).(pyexpr.Func).Call(t.Context(), pyexpr.List{}); !isException(err, "TypeError") {
		t.Errorf("a function that gives a function: %v", err)
	}
	if _, err := must(t, e, `nt_remote`).(pyexpr.Func).Call(t.Context(), struct{}{}); err == nil {
		t.Error("an argument of no kind was given to Python")
	}
}

func TestValues(t *testing.T) {
	e, _ := evaluator(t, "")
	for src, want := range map[string]any{
		`None`:                           nil,
		`True`:                           true,
		`2**63 - 1`:                      int64(math.MaxInt64),
		`-2**63`:                         int64(math.MinInt64),
		`1e300 * 1e10`:                   math.Inf(1),
		`0.1`:                            0.1,
		`b'\xff'`:                        pyexpr.Bytes("\xff"),
		`bytearray(b'x')`:                pyexpr.Bytes("x"),
		`()`:                             pyexpr.Tuple{},
		`{1: {2: [3, "c"]}}`:             pyexpr.Dict{{Key: int64(1), Value: pyexpr.Dict{{Key: int64(2), Value: pyexpr.List{int64(3), "c"}}}}},
		`{7}`:                            pyexpr.List{int64(7)},
		`(i for i in 'ab')`:              pyexpr.List{"a", "b"},
		`{'a': 1}.items()`:               pyexpr.List{pyexpr.Tuple{"a", int64(1)}},
		`re.match('a', 'a')`:             true,
		`object()`:                       true,
		`re.I | re.M`:                    int64(10),
		`'\U0001f600' + '\udcff' + '\0'`: "\U0001f600\xff\x00",
		`["s", "QQ=="]`:                  pyexpr.List{"s", "QQ=="},
	} {
		if got := must(t, e, src); !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %#v, want %#v", src, got, want)
		}
	}
	if v, ok := must(t, e, `float('nan')`).(float64); !ok || !math.IsNaN(v) {
		t.Errorf("nan = %v", v)
	}
	for src, kind := range map[string]string{
		`2**63`:                                "OverflowError",
		`'\ud800'`:                             "UnicodeEncodeError",
		`'x' * (17 << 20)`:                     "OverflowError",
		`'\0' * (4 << 20)`:                     "OverflowError",
		`b'x' * (15 << 20)`:                    "OverflowError",
		`iter(int, 1)`:                         "OverflowError",
		`(lambda l: l.append(l))([])`:          "",
		`[l for l in [[]] if not l.append(l)]`: "OverflowError",
		`1 +`:                                  "SyntaxError",
		`get_pass('x')`:                        "NameError",
		`(lambda f: f(f))(lambda f: f(f))`:     "RecursionError",
		`{}['x']`:                              "KeyError",
		`input()`:                              "EOFError",
		`__import__("sys").exit(3)`:            "SystemExit",
	} {
		_, err := e.Eval(t.Context(), src)
		if kind == "" && err == nil {
			continue
		}
		if !isException(err, kind) {
			t.Errorf("%s: %v, want a %s", src, err, kind)
		}
	}
	if v := must(t, e, `'x' * (15 << 20)`).(string); len(v) != 15<<20 {
		t.Errorf("%d octets came", len(v))
	}
}

// TestMove is about functions that turn out to need Python when they are called.
func TestMove(t *testing.T) {
	local := &pretender{}
	e, _ := evaluator(t, helpers, func(o *Options) {
		o.InProcess = func(_ context.Context, src string) (any, error) {
			switch src {
			case "lambda f: nt_remote(f)":
				return local, nil
			case "1/0":
				return nil, &pyexpr.Error{Kind: "ZeroDivisionError", Text: "division by zero"}
			}
			return int64(1), nil
		}
	})
	f := must(t, e, "lambda f: nt_remote(f)")
	if got := call(t, f, "INBOX"); got != "here" || e.child() != 0 {
		t.Errorf("%v, and the child is %d", got, e.child())
	}
	if _, err := f.(pyexpr.Func).Call(t.Context(), ""); !isException(err, "ValueError") || e.child() != 0 {
		t.Errorf("%v, and the child is %d", err, e.child())
	}
	for range 2 {
		if got := call(t, f, "[Gmail]/Sent"); got != "sent" {
			t.Errorf("moved, it gives %v", got)
		}
	}
	if n := local.calls.Load(); n != 3 {
		t.Errorf("%d calls in the process, want 3", n)
	}
	if err := fails(t, e, "1/0"); !isException(err, "ZeroDivisionError") {
		t.Error(err)
	}
}

type pretender struct{ calls atomic.Int64 }

func (p *pretender) Call(_ context.Context, args ...any) (any, error) {
	p.calls.Add(1)
	switch args[0] {
	case "INBOX":
		return "here", nil
	case "":
		return nil, &pyexpr.Error{Kind: "ValueError", Text: "empty"}
	}
	return nil, pyexpr.ErrUnsupported
}

func TestWhereItFailed(t *testing.T) {
	e, _ := evaluator(t, helpers)
	_, err := must(t, e, "broken").(pyexpr.Func).Call(t.Context(), "Sent")
	if !isException(err, "ValueError") || !strings.Contains(err.Error(), "no such thing: Sent ("+e.o.File+", line 53)") {
		t.Error(err)
	}
}

func TestManyAtOnce(t *testing.T) {
	e, _ := evaluator(t, "n = 0\nprint('once')\ndef twice(f):\n    global n\n    n += 1\n    return f + f\n")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			f, err := e.Eval(t.Context(), "twice")
			if err != nil {
				t.Error(err)
				return
			}
			for range 50 {
				name := strings.Repeat("x", i+1)
				if got, err := f.(pyexpr.Func).Call(t.Context(), name); err != nil || got != name+name {
					t.Errorf("%v, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
	if got := must(t, e, "n"); got != int64(400) {
		t.Errorf("%v calls in one child, want 400", got)
	}
}

func TestNoPython(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	e, _ := evaluator(t, helpers)
	for range 5 {
		err := fails(t, e, "get_password('imap.example.net',\n 'hunter2')", "get_password('…',…: python3 is not installed", "install python3", "it needs Python itself")
		if !errors.Is(err, ErrNoPython) || strings.Contains(err.Error(), "hunter2") {
			t.Error(err)
		}
	}
	if got := must(t, e, "5"); got != int64(5) {
		t.Errorf("5 is %v", got)
	}
}

func TestBrief(t *testing.T) {
	for src, want := range map[string]string{
		`f("a\"b", 'c')`: `f('…', '…')`,
		"  f(\n'x')":     "f(…",
		"'''a\nb'''":     "'…''…''…'",
		"f('open":        "f('…'",
	} {
		if got := brief(src); got != want {
			t.Errorf("%q: %q, want %q", src, got, want)
		}
	}
	if got := brief(strings.Repeat("ä", 100)); len([]rune(got)) != 61 {
		t.Error(got)
	}
}
