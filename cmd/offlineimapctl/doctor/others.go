package doctor

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// others: does OfflineIMAP still run by itself? Both would wait for each other's
// lock.
func (e *examination) others(ctx context.Context) {
	units, unitsAsked := e.otherUnits(ctx)
	lines, cronAsked := e.cronLines(ctx)
	for _, u := range units {
		e.tell(Check{Name: "offlineimap", Result: Warn, Text: "the unit " + u + " is enabled", Hint: "systemctl --user disable --now " + u})
	}
	if lines > 0 {
		e.tell(Check{Name: "offlineimap", Result: Warn, Text: fmt.Sprintf("%d of your cron lines run it", lines), Hint: "crontab -e, and take them out"})
	}
	if (unitsAsked || cronAsked) && len(units) == 0 && lines == 0 {
		e.tell(Check{Name: "offlineimap", Result: OK, Text: "is not started by anything else"})
	}
}

// otherUnits are units and timers that are enabled and start OfflineIMAP.
func (e *examination) otherUnits(ctx context.Context) (units []string, asked bool) {
	systemctl, err := e.LookPath("systemctl")
	if err != nil {
		return nil, false
	}
	out, _, err := e.output(ctx, systemctl, "--user", "list-unit-files", "offlineimap*", "--no-legend", "--no-pager", "--plain")
	if err != nil {
		return nil, false
	}
	for line := range strings.SplitSeq(out, "\n") {
		f := strings.Fields(line)
		if len(f) >= 2 && theirs(f[0]) && strings.HasPrefix(f[1], "enabled") {
			units = append(units, f[0])
		}
	}
	return units, true
}

// theirs tells whether a unit is OfflineIMAP's: ours begin with offlineimapd or
// offlineimap-applet.
func theirs(unit string) bool {
	return !strings.HasPrefix(unit, "offlineimapd") && !strings.HasPrefix(unit, "offlineimap-applet")
}

var offlineimap = regexp.MustCompile(`(^|[^\w.-])offlineimap($|[^\w-])`)

// cronLines counts the user's cron lines that start OfflineIMAP.
func (e *examination) cronLines(ctx context.Context) (n int, asked bool) {
	crontab, err := e.LookPath("crontab")
	if err != nil {
		return 0, false
	}
	out, _, err := e.output(ctx, crontab, "-l")
	if _, ran := e.ExitStatus(err); !ran {
		return 0, false
	}
	for line := range strings.SplitSeq(out, "\n") { // none, with status 1, where there is no crontab
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") && offlineimap.MatchString(line) {
			n++
		}
	}
	return n, true
}
