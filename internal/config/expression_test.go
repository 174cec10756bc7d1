package config

import (
	"strings"
	"testing"
)

// What Python cannot read is told with the line and the column that an editor
// shows; nothing else is.
func TestExpressions(t *testing.T) {
	for name, w := range map[string]struct{ src, want string }{
		"a bracket":      {with("remote", "folderfilter = lambda f: f in ['a', 'b'"), `error 16: [Repository R] folderfilter: it is not a Python expression: '[' was never closed, in column 31`},
		"several lines":  {with("remote", "folderfilter:lambda f: f in [\n    'a',\n\n# c\n\t'100%%' 'ü' b]"), `error 20: [Repository R] folderfilter: it is not a Python expression: invalid syntax at 'b', in column 14`},
		"Python 2":       {with("remote", "nametrans = lambda f: f <> 'x'"), `error 16: [Repository R] nametrans: it is not a Python expression: invalid syntax at '>', in column 26 // write != in place of <>`},
		"a statement":    {with("remote", "newmail_hook = print 'x'"), `error 16: [Repository R] newmail_hook: it is not a Python expression: invalid syntax at a literal, in column 22 // Python 3 prints with print(…)`},
		"no parentheses": {with("remote", "nametrans = lambda f:\n  f"), `error 17: [Repository R] nametrans: it is not a Python expression: a line outside of brackets follows, in column 3 // put parentheses around what goes over several lines`},
		"references":     {with("remote", "x = lambda\nnewmail_hook = %(x)s: )"), `error 17: [Repository R] newmail_hook: it is not a Python expression: unmatched ')', in column 9 of the value`},
		"CRLF":           {strings.ReplaceAll(with("remote", "foldersort = lambda x, y: x y"), "\n", "\r\n"), `error 16: [Repository R] foldersort: it is not a Python expression: invalid syntax at 'y', in column 29`},
		"a password":     {with("remote", "remotepasseval = 'hunter' hunter2"), `error 16: [Repository R] remotepasseval: it is not a Python expression, in column 27`},
		"a token":        {with("remote", "oauth2_access_token_eval = hunter2 x"), `error 16: [Repository R] oauth2_access_token_eval: it is not a Python expression, in column 36`},
		"mbnames":        {small + "[mbnames]\nenabled = yes\nfilename = /x\nheader = mailboxes \nsep = \"\nperitem = x\nfooter = ''\n", `error 21: [mbnames] sep: it is not a Python expression: unterminated string literal, in column 7`},
		"by default":     {"[DEFAULT]\nnametrans = lambda\n" + small, `error 2: [DEFAULT] nametrans: it is not a Python expression: invalid syntax at the end, in column 19`},
		"names":          {with("remote", "nametrans = nowhere.known\ncopy_ignore_eval = lambda f: {'x': range(1, 2)}.get(f)\nremoteporteval = int(environ['X'])"), ""},
		"other Python":   {with("remote", "nametrans = lambda f: (x := f)\nfolderfilter = lambda ü: ü"), ""},
	} {
		_, problems := load(t, w.src)
		got := strings.Join(said(problems), "\n")
		if name == "by default" { // both repositories have it
			got, _, _ = strings.Cut(got, "\n")
		}
		if got != w.want || strings.Contains(got, "hunter2") {
			t.Errorf("%s:\n got %s\nwant %s", name, got, w.want)
		}
	}
	_, problems := load(t, with("general", "")+"nametrans = lambda\n")
	if len(problems) != 1 || problems[0].Account != "A" {
		t.Errorf("%+v", problems)
	}
}
