package main

import (
	"context"
	"strings"

	"github.com/offlineimap/offlineimapd/cmd/offlineimapctl/term"
)

// pagedTable is table for lists that may be long: on a terminal that is too low
// for them they go through a pager.
func (a *app) pagedTable(ctx context.Context, t *term.Table, footer string) {
	pager := a.pager()
	if !a.OutTerminal || a.Rows() <= 0 || t.Len()+4 <= a.Rows() || pager == "" {
		a.table(t, footer)
		return
	}
	var b strings.Builder
	paged := *a.Streams
	paged.Out = &b
	inner := *a
	inner.Streams = &paged
	inner.table(t, footer)
	// F, R, S, X, M and K are what systemd's tools give less.
	script := "LESS=${LESS-FRSXMK}; export LESS; " + pager
	if a.command(ctx, strings.NewReader(b.String()), a.Out, a.Err, "sh", "-c", script) != nil && ctx.Err() == nil {
		a.table(t, footer)
	}
}

// pager is the command that shows long texts; "" for none.
func (a *app) pager() string {
	p := "less"
	for _, name := range []string{"PAGER", "SYSTEMD_PAGER"} {
		if v := a.getenv(name); v != "" {
			p = v
		}
	}
	if p == "cat" {
		return ""
	}
	if first, _, _ := strings.Cut(p, " "); first == "less" {
		if _, err := a.lookPath("less"); err != nil {
			return ""
		}
	}
	return p
}
