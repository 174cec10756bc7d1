package systemd

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const catalog = "../../packaging/catalog/offlineimapd.catalog"

// TestCatalog holds table and catalog together, and compiles the catalog as a
// package's installation does.
func TestCatalog(t *testing.T) {
	src, err := os.ReadFile(catalog)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	dir := filepath.Join(root, "usr/lib/systemd/catalog")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "offlineimapd.catalog"), src, 0o644); err != nil {
		t.Fatal(err)
	}
	if out := journalctl(t, root, "--update-catalog"); out != "" {
		t.Errorf("compiling: %s", out)
	}
	if n := strings.Count(journalctl(t, root, "--list-catalog"), "\n"); n != len(events) {
		t.Errorf("%d entries in the catalog, %d in the table", n, len(events))
	}
	words, ids := map[string]bool{}, map[string]bool{}
	for _, e := range events {
		if words[e.word] || ids[e.id] {
			t.Errorf("%s or its ID is there twice", e.word)
		}
		words[e.word], ids[e.id] = true, true
		if !regexp.MustCompile(`^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$`).MatchString(e.id) {
			t.Errorf("%s: systemd-id128 new did not make %s", e.word, e.id)
		}
		if !bytes.Contains(src, []byte("\n# "+e.word+"\n-- "+e.id+"\n")) {
			t.Errorf("%s does not stand above its ID", e.word)
		}
		text := journalctl(t, root, "--dump-catalog", e.id)
		head, body, _ := strings.Cut(text, "\n\n")
		for _, need := range []string{"Subject: ", "Defined-By: offlineimapd\n", "Documentation: man:offlineimapd(1)"} {
			if !strings.Contains(head, need) {
				t.Errorf("%s has no %s", e.word, need)
			}
		}
		if len(body) < 80 {
			t.Errorf("%s explains nothing: %q", e.word, body)
		}
		for line := range strings.Lines(body) {
			if len(line) > 87 {
				t.Errorf("%s: too long for a terminal: %s", e.word, line)
			}
		}
	}
}

// TestTheCatalogNamesVerbs that there are: what it says is to be typed.
func TestTheCatalogNamesVerbs(t *testing.T) {
	src, err := os.ReadFile(catalog)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../packaging/man/offlineimapctl.1.scd")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^    offlineimapctl ([a-z-]+( check)?)`).FindAllSubmatch(src, -1)
	if len(found) < 10 {
		t.Errorf("only %d commands: is anything checked at all?", len(found))
	}
	for _, m := range found {
		if !regexp.MustCompile(`(?m)^\*` + string(m[1]) + `\*`).Match(page) {
			t.Errorf("offlineimapctl has no verb %s", m[1])
		}
	}
}

func journalctl(t *testing.T, root string, args ...string) string {
	t.Helper()
	out, err := exec.Command("journalctl", append([]string{"--root=" + root}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("journalctl %v (package systemd): %v\n%s", args, err, out)
	}
	return string(out)
}

// TestEveryEventHasAnEntry looks for what follows the key "event" in calls all
// over the daemon.
func TestEveryEventHasAnEntry(t *testing.T) {
	n := 0
	for _, dir := range []string{"../../service", "../../dbus/server", "../../cmd/offlineimapd", "."} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(node ast.Node) bool {
				var list []ast.Expr
				switch x := node.(type) {
				case *ast.CallExpr:
					list = x.Args
				case *ast.CompositeLit:
					list = x.Elts
				}
				for i := range len(list) - 1 {
					if word := literal(list[i+1]); literal(list[i]) == eventKey && word != "" {
						n++
						if eventID(word) == "" {
							t.Errorf("%s: the event %q has no ID", path, word)
						}
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n < 3 {
		t.Errorf("only %d events were found: is anything checked at all?", n)
	}
}

func literal(e ast.Expr) string {
	if b, ok := e.(*ast.BasicLit); ok && b.Kind == token.STRING {
		if s, err := strconv.Unquote(b.Value); err == nil {
			return s
		}
	}
	return ""
}
