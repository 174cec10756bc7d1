package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// configured is what offlineimapd --show-config says of an account.
type configured struct {
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
	Local   *struct {
		Root string `json:"localfolders"`
	} `json:"local"`
	Remote *struct {
		Host      string `json:"remotehost"`
		Port      int    `json:"remoteport"`
		User      string `json:"remoteuser"`
		Tunnel    bool   `json:"tunnel"`
		Evaluated bool   `json:"evaluated"`
	} `json:"remote"`
}

// configuration: can it be used? What is wrong with it names files and users, so
// only how much is.
func (e *examination) configuration(ctx context.Context) {
	binary, err := e.Binary()
	if err != nil {
		e.tell(Check{Name: "configuration", Result: Warn, Text: "not checked: " + err.Error(), Hint: "install offlineimapd"})
		return
	}
	_, stderr, err := e.output(ctx, binary, "--check-config")
	status, ran := e.ExitStatus(err)
	errors, warnings := findings(stderr)
	c := Check{Name: "configuration", Result: OK, Text: "can be used", Hint: ""}
	switch {
	case !ran:
		c = Check{Name: c.Name, Result: Warn, Text: "not checked: offlineimapd did not run to its end", Hint: "offlineimapctl config check"}
	case status != 0 && strings.Contains(stderr, ": no configuration: "):
		c.Result, c.Text, c.Hint = Fail, "there is none", "offlineimapd(1) shows how to begin one"
	case status != 0:
		c.Result, c.Hint = Fail, "offlineimapctl config check"
		c.Text = fmt.Sprintf("cannot be used as it is: %d wrong, %d doubtful", max(errors, 1), warnings)
	case warnings > 0:
		c.Result, c.Hint = Warn, "offlineimapctl config check"
		c.Text = fmt.Sprintf("can be used: %d doubtful", warnings)
	}
	e.tell(c)
	out, _, _ := e.output(ctx, binary, "--show-config") // it shows what it can
	var d struct {
		Accounts []configured `json:"accounts"`
	}
	if json.Unmarshal([]byte(out), &d) != nil {
		return
	}
	e.config = d.Accounts
	for _, a := range d.Accounts {
		if a.Remote != nil {
			e.redact.add(a.Remote.User)
		}
	}
}

// findings counts lines of "offlineimapd: SEVERITY: ".
func findings(stderr string) (errors, warnings int) {
	for line := range strings.SplitSeq(stderr, "\n") {
		rest, ok := strings.CutPrefix(line, "offlineimapd: ")
		switch {
		case !ok:
		case strings.HasPrefix(rest, "warning: "):
			warnings++
		case strings.HasPrefix(rest, "error: "):
			errors++
		}
	}
	return errors, warnings
}
