package api

import (
	"encoding/xml"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestElement(t *testing.T) {
	tests := []struct{ name, want string }{
		{"", "_"},
		{"_", "_5f"},
		{"work", "work"},
		{"work-2", "work_2d2"},
		{"2work", "_32work"},
		{"w2", "w2"},
		{"a.b c", "a_2eb_20c"},
		{"ä", "_c3_a4"},
		{"/", "_2f"},
		{"\x00", "_00"},
	}
	for _, tt := range tests {
		if got := Element(tt.name); got != tt.want {
			t.Errorf("Element(%q) is %q, not %q", tt.name, got, tt.want)
		}
	}
	for _, e := range []string{"", "__", "_4", "_zz", "a_", "_61", "2", "a-b", "_C3_A4", "_+1", "a b"} {
		if name, ok := ElementName(e); ok {
			t.Errorf("ElementName(%q) is %q", e, name)
		}
	}
}

func TestElementRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := string(rapid.SliceOf(rapid.Byte()).Draw(t, "name"))
		e := Element(name)
		if e == "" || strings.Trim(e, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
			t.Fatalf("%q is no element of a path", e)
		}
		if back, ok := ElementName(e); !ok || back != name {
			t.Fatalf("%q became %q, %v", name, back, ok)
		}
		if back, ok := AccountAt(AccountPathOf(name)); !ok || back != name {
			t.Fatalf("%q is at %s, where %q is", name, AccountPathOf(name), back)
		}
		id := rapid.Uint32().Draw(t, "id")
		if back, ok := JobAt(JobPathOf(id)); !ok || back != id {
			t.Fatalf("%d is at %s, where %d is", id, JobPathOf(id), back)
		}
	})
}

func TestNoJobThere(t *testing.T) {
	for _, path := range []string{"", "/", JobPath, JobPath + "/", JobPath + "/x", JobPath + "/01", JobPath + "/+1",
		JobPath + "/4294967296", JobPath + "/1/2", AccountPath + "/1"} {
		if id, ok := JobAt(path); ok {
			t.Errorf("job %d at %q", id, path)
		}
	}
}

// TestXML reads every document as a whole, and holds what is embedded against
// what is named.
func TestXML(t *testing.T) {
	all := slices.Concat(Own, Standard)
	for _, name := range all {
		for d := xml.NewDecoder(strings.NewReader(XML(name))); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		i, err := Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range i.Methods {
			for _, a := range m.Args {
				if a.Name == "" || a.Type == "" || a.Direction != "in" && a.Direction != "out" {
					t.Errorf("%s.%s: argument %+v", name, m.Name, a)
				}
			}
		}
		for _, s := range i.Signals {
			for _, a := range s.Args {
				if a.Name == "" || a.Type == "" || a.Direction != "" {
					t.Errorf("%s.%s: argument %+v", name, s.Name, a)
				}
			}
		}
		for _, p := range i.Properties {
			if p.Type == "" || !slices.Contains([]string{"read", "readwrite"}, p.Access) {
				t.Errorf("%s.%s: %+v", name, p.Name, p)
			}
		}
	}
	if XML("org.example.Other") != "" {
		t.Error("an interface that is none of ours")
	}
	if _, err := Parse("org.example.Other"); err == nil {
		t.Error("an interface that is none of ours was read")
	}
	for _, dir := range []string{".", "standard"} {
		found, err := filepath.Glob(filepath.Join(dir, "*.xml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			if name := strings.TrimSuffix(filepath.Base(path), ".xml"); !slices.Contains(all, name) {
				t.Errorf("%s describes an interface that nobody names", path)
			}
		}
	}
}

func TestIntrospection(t *testing.T) {
	doc := Introspection([]string{ManagerInterface, PropertiesInterface}, []string{"account", "job"})
	var got struct {
		Interfaces []Interface `xml:"interface"`
		Nodes      []struct {
			Name string `xml:"name,attr"`
		} `xml:"node"`
	}
	if err := xml.Unmarshal([]byte(doc), &got); err != nil {
		t.Fatalf("%v in\n%s", err, doc)
	}
	if len(got.Interfaces) != 2 || got.Interfaces[0].Name != ManagerInterface || got.Interfaces[1].Name != PropertiesInterface {
		t.Errorf("the interfaces are %+v", got.Interfaces)
	}
	manager, err := Parse(ManagerInterface)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Interfaces[0], *manager) {
		t.Errorf("the manager is %+v, by itself %+v", got.Interfaces[0], *manager)
	}
	if len(got.Nodes) != 2 || got.Nodes[0].Name != "account" || got.Nodes[1].Name != "job" {
		t.Errorf("the children are %+v", got.Nodes)
	}
}

// TestNames wants an XML for every constant that names an interface, and every
// such constant in one of the lists.
func TestNames(t *testing.T) {
	all := slices.Concat(Own, Standard)
	n := 0
	for name, value := range constants(t, "names.go") {
		if !strings.HasSuffix(name, "Interface") {
			continue
		}
		n++
		_, last, _ := strings.Cut(value, ".")
		if !slices.ContainsFunc(all, func(i string) bool { return strings.HasSuffix(i, last) }) {
			t.Errorf("%s is in no list of interfaces", name)
		}
	}
	if n != len(all) {
		t.Errorf("%d constants name an interface, and %d interfaces are listed", n, len(all))
	}
}

// constants returns the names and the last string literals of a file's constants.
func constants(t *testing.T, file string) map[string]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, name := range spec.Names {
			if i >= len(spec.Values) {
				continue
			}
			ast.Inspect(spec.Values[i], func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					out[name.Name], _ = strconv.Unquote(lit.Value)
				}
				return true
			})
		}
		return true
	})
	return out
}

// TestDocument keeps the JSON of the document to lower case words.
func TestDocument(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || typ.PkgPath() != reflect.TypeFor[Document]().PkgPath() || seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			f := typ.Field(i)
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if tag == "" || strings.Trim(tag, "abcdefghijklmnopqrstuvwxyz_") != "" {
				t.Errorf("%s.%s is %q in JSON", typ.Name(), f.Name, tag)
			}
			walk(f.Type)
		}
	}
	walk(reflect.TypeFor[Document]())
	if len(seen) != 6 {
		t.Errorf("%d structs make a document", len(seen))
	}
}
