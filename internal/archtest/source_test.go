package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// complaints returns what is wrong with one file; name is its path within the
// module.
func complaints(name string, src []byte) ([]string, error) {
	var out []string
	if n := bytes.Count(src, []byte("\n")); n > maxLines {
		out = append(out, fmt.Sprintf("%s has %d lines: more than %d are not read, but searched", name, n, maxLines))
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, src, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	dir, isTest := filepath.Dir(name), strings.HasSuffix(name, "_test.go")
	if slices.Contains(empty, dir) {
		out = append(out, fmt.Sprintf("%s: no Go file stands in %s itself", name, dir))
	}
	add := func(at ast.Node, format string, args ...any) {
		out = append(out, set.Position(at.Pos()).String()+": "+fmt.Sprintf(format, args...))
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			add(f, "init runs before anybody asks for it; let main call it, or make it a table")
		}
	}
	for _, g := range file.Comments {
		for _, c := range g.List {
			for _, word := range []string{"TODO", "FIXME", "XXX"} {
				if strings.Contains(c.Text, word) && !strings.HasPrefix(name, "internal/archtest/") {
					add(c, "%s: what is not done belongs into an issue", word)
				}
			}
		}
	}
	clockName := importName(file, "time")
	ast.Inspect(file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, _ := sel.X.(*ast.Ident)
		if !isTest && x != nil && x.Name == clockName && slices.Contains(clock, sel.Sel.Name) && below(dir, pure) {
			add(sel, "a pure package has no clock: take the time as an argument")
		}
		if isTest && strings.HasPrefix(sel.Sel.Name, "Skip") && x != nil && slices.Contains([]string{"t", "tb", "b", "f", "T"}, x.Name) {
			add(sel, "a test that is skipped is a test that nobody misses; what it needs, make test installs")
		}
		return true
	})
	return out, nil
}

// importName is how a file calls a package, "" where it does not import it.
func importName(file *ast.File, path string) string {
	for _, i := range file.Imports {
		if strings.Trim(i.Path.Value, `"`) == path {
			if i.Name != nil {
				return i.Name.Name
			}
			return path
		}
	}
	return ""
}

func TestSource(t *testing.T) {
	top, n := root(t), 0
	err := filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := filepath.Base(path)
		if e.IsDir() && path != top && (strings.HasPrefix(base, ".") || base == "testdata" || path == filepath.Join(top, "bench", "out")) {
			return filepath.SkipDir
		}
		if e.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		n++
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(top, path)
		if err != nil {
			return err
		}
		found, err := complaints(name, src)
		for _, s := range found {
			t.Error(s)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 10 {
		t.Errorf("only %d Go files below %s: is anything checked at all?", n, top)
	}
}

// TestDoc wants every package to say what it is for.
func TestDoc(t *testing.T) {
	for _, p := range list(t) {
		if len(p.GoFiles)+len(p.CgoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s does not say what it is for (a package comment, in doc.go)", p.name())
		}
	}
}

func TestComplaints(t *testing.T) {
	tests := []struct {
		name, src, want string
	}{
		{"sync/mail/a.go", "package mail\nimport \"time\"\nvar d time.Duration\n", ""},
		{"sync/mail/a.go", "package mail\nimport \"time\"\nvar d = time.Now()\n", "no clock"},
		{"sync/mail/a.go", "package mail\nimport clock \"time\"\nvar d = clock.Since\n", "no clock"},
		{"sync/maildir/a.go", "package maildir\nimport \"time\"\nvar d = time.Now()\n", ""},
		{"sync/mail/a_test.go", "package mail\nimport \"time\"\nvar d = time.Now()\n", ""},
		{"sync/maildir/a.go", "package maildir\nfunc init() {}\n", "init runs"},
		{"sync/maildir/a.go", "package maildir\ntype t int\nfunc (t) init() {}\n", ""},
		{"sync/maildir/a_test.go", "package maildir\nfunc TestX(t *testing.T) { t.Skip() }\n", "skipped"},
		{"sync/maildir/a_test.go", "package maildir\nfunc BenchX(b *testing.B) { b.SkipNow() }\n", "skipped"},
		{"sync/maildir/a_test.go", "package maildir\nvar _ = filepath.SkipDir\n", ""},
		{"sync/maildir/a.go", "package maildir\n// TODO: later\n", "issue"},
		{"sync/a.go", "package sync\n", "no Go file stands"},
		{"sync/maildir/a.go", "package maildir\n" + strings.Repeat("\n", maxLines), "lines"},
	}
	for _, tt := range tests {
		got, err := complaints(tt.name, []byte(tt.src))
		if err != nil {
			t.Fatal(err)
		}
		if (tt.want == "") != (len(got) == 0) || len(got) > 0 && !strings.Contains(got[0], tt.want) {
			t.Errorf("%s %.60q: %q", tt.name, tt.src, got)
		}
	}
}
