package packaging

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/offlineimap/offlineimapd/dbus/api"
)

// source returns the text of a page without its markup, and its terms: lines
// that something indented explains.
func source(t *testing.T, page string) (text string, terms []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("man", page+".scd"))
	if err != nil {
		t.Fatal(err)
	}
	text = unmarked(string(b))
	lines := strings.Split(text, "\n")
	for i := 1; i < len(lines); i++ {
		if lines[i-1] != "" && !strings.HasPrefix(lines[i-1], "\t") && strings.HasPrefix(lines[i], "\t") {
			terms = append(terms, lines[i-1])
		}
	}
	return text, terms
}

// unmarked removes bold, underlines and escapes of scdoc(5). Underscores within
// words are no markup.
func unmarked(s string) string {
	word := func(i int) bool {
		return i >= 0 && i < len(s) && (s[i] >= 'a' && s[i] <= 'z' || s[i] >= 'A' && s[i] <= 'Z' || s[i] >= '0' && s[i] <= '9')
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '*' || s[i] == '_' && !(word(i-1) && word(i+1)):
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func TestUnmarked(t *testing.T) {
	tests := []struct{ in, want string }{
		{"*Pause*(s _account_, t _duration\\_usec_)", "Pause(s account, t duration_usec)"},
		{"_XDG\\_DIR_ and OFFLINEIMAP_ACCOUNT", "XDG_DIR and OFFLINEIMAP_ACCOUNT"},
		{"*-a* _A_[,_B_...]", "-a A[,B...]"},
	}
	for _, tt := range tests {
		if got := unmarked(tt.in); got != tt.want {
			t.Errorf("%q became %q, not %q", tt.in, got, tt.want)
		}
	}
}

// TestPages wants groff to have no word of warning about a page.
func TestPages(t *testing.T) {
	pages, err := filepath.Glob("man/*.scd")
	if err != nil || len(pages) < 4 {
		t.Fatalf("only the pages %q: %v", pages, err)
	}
	for _, page := range pages {
		compiled := built(t).page(strings.TrimSuffix(filepath.Base(page), ".scd"))
		cmd := exec.Command("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", compiled)
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANWIDTH=80")
		var out, warnings strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &warnings
		if err := cmd.Run(); err != nil || warnings.Len() > 0 || out.Len() < 1000 {
			t.Errorf("%s: %v, %d octets\n%s(man is in the Debian package man-db)", page, err, out.Len(), warnings.String())
		}
	}
}

// TestInterfacePage holds org.offlineimap.Daemon1(5) against the introspection
// data in both directions: every member with its signature, and nothing else.
func TestInterfacePage(t *testing.T) {
	text, terms := source(t, "org.offlineimap.Daemon1.5")
	var want []string
	for _, name := range api.Own {
		i, err := api.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range i.Methods {
			line := m.Name + "(" + arguments(m.Args, "in") + ")"
			if out := arguments(m.Args, "out"); out != "" {
				line += " → " + out
			}
			want = append(want, line)
		}
		for _, s := range i.Signals {
			want = append(want, s.Name+"("+arguments(s.Args, "")+")")
		}
		for _, p := range i.Properties {
			want = append(want, p.Name+" "+p.Type)
		}
		if !strings.Contains(text, name) {
			t.Errorf("the page does not name the interface %s", name)
		}
	}
	want = append(want, api.Errors...)
	for _, line := range want {
		if !slices.Contains(terms, line) {
			t.Errorf("the page does not explain %q", line)
		}
	}
	for _, line := range terms {
		if !slices.Contains(want, line) && !strings.HasPrefix(line, "/") {
			t.Errorf("the page explains %q, which is not in the introspection data", line)
		}
	}
	for _, option := range []string{api.OptionFolders, api.OptionFull, api.OptionDryRun, api.OptionEvenIfPaused, api.OptionReason,
		api.ReportDownloaded, api.ReportUploaded, api.ReportFlagsLocal, api.ReportFlagsRemote, api.ReportRemovedLocal,
		api.ReportRemovedRemote, api.ReportPaired, api.ReportBytes, api.ReportSeconds, api.ReportFolders, api.ReportHint,
		api.ReportDocument, api.HintRetry, api.AnswerSecret} {
		if !regexp.MustCompile(`\b` + regexp.QuoteMeta(option) + `\b`).MatchString(text) {
			t.Errorf("the page does not name the key %s", option)
		}
	}
}

func arguments(args []api.Arg, direction string) string {
	var out []string
	for _, a := range args {
		if a.Direction == direction {
			out = append(out, a.Type+" "+a.Name)
		}
	}
	return strings.Join(out, ", ")
}

// TestDaemonPage and TestAppletPage want every option of --help explained, and
// no other.
func TestDaemonPage(t *testing.T) { explained(t, "offlineimapd") }
func TestAppletPage(t *testing.T) { explained(t, "offlineimap-applet") }

var option = regexp.MustCompile(`--[a-z][a-z-]*`)

func explained(t *testing.T, program string) {
	help := strings.ReplaceAll(output(t, built(t).program(program), "--help"), "systemctl --user enable --now", "")
	said := option.FindAllString(help, -1)
	if len(said) < 2 {
		t.Fatalf("%s --help names only %q", program, said)
	}
	_, terms := source(t, program+".1")
	var have []string
	for _, term := range terms {
		have = append(have, option.FindAllString(term, -1)...)
	}
	for _, o := range said {
		if !slices.Contains(have, o) {
			t.Errorf("%s(1) does not explain %s", program, o)
		}
	}
	for _, o := range have {
		if !slices.Contains(said, o) && o != "--help" {
			t.Errorf("%s(1) explains %s, which --help does not name", program, o)
		}
	}
}

// TestControlPage walks offlineimapctl's verbs, as shells do for completion, and
// wants each with its options in the page.
func TestControlPage(t *testing.T) {
	text, terms := source(t, "offlineimapctl.1")
	verbs := 0
	var walk func(path []string)
	walk = func(path []string) {
		name := strings.Join(path, " ")
		if len(path) > 0 {
			verbs++
			if !slices.ContainsFunc(terms, func(term string) bool { return term == name || strings.HasPrefix(term, name+" ") }) {
				t.Errorf("the page does not explain %q", name)
			}
		}
		for _, o := range candidates(t, append(slices.Clone(path), "-")) {
			if !regexp.MustCompile(`(^|[^\w-])` + regexp.QuoteMeta(strings.TrimSuffix(o, "=")) + `\b`).MatchString(text) {
				t.Errorf("the page does not name %s of %q", o, name)
			}
		}
		if len(path) > 0 && name != "config" {
			return // what follows is no verb
		}
		for _, c := range candidates(t, append(slices.Clone(path), "")) {
			walk(append(slices.Clone(path), c))
		}
	}
	walk(nil)
	if verbs < 15 {
		t.Errorf("only %d verbs were found", verbs)
	}
	for status := range 10 {
		if !slices.Contains(terms, fmt.Sprint(status)) {
			t.Errorf("the page does not explain the exit status %d", status)
		}
	}
}

// candidates are what offlineimapctl would complete words with.
func candidates(t *testing.T, words []string) []string {
	t.Helper()
	var all []string
	for line := range strings.Lines(output(t, built(t).program("offlineimapctl"), append([]string{"__complete"}, words...)...)) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if word != "" && !strings.HasPrefix(word, ":") && !strings.HasPrefix(word, "_activeHelp_") {
			all = append(all, word)
		}
	}
	return all
}
