package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/maildir"
	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// inform shows both sides of the account, in OfflineIMAP's form.
func (k *keeper) inform(ctx context.Context) error {
	p := policy(k.cfg, k.account)
	if err := k.work(false).folders(ctx, &p); err != nil {
		return err
	}
	if err := k.informRemote(ctx, p); err != nil {
		return err
	}
	return k.informLocal(ctx, p)
}

func (k *keeper) informRemote(ctx context.Context, p engine.Policy) error {
	say := k.front.screen.Info
	r := k.account.Remote
	say(fmt.Sprintf("Remote repository '%s': type '%s'", plain(r.Name), r.Type))
	remote, m, err := k.server(ctx)
	if err != nil {
		return err
	}
	defer remote.Close(context.WithoutCancel(ctx))
	if m.Host != "" {
		say(fmt.Sprintf("Host: %s Port: %d SSL: %s", plain(m.Host), m.Port, pythonBool(m.SSL)))
	}
	server, err := remote.Describe(ctx)
	if err != nil {
		return err
	}
	if slices.Contains(server.Capabilities, "ID") {
		say("Server supports ID extension.")
	}
	say("Server welcome string: " + plain(server.Greeting))
	say("Server capabilities: ('" + plain(strings.Join(server.Capabilities, "', '")) + "')\n")
	k.expressions(r)
	boxes, err := remote.Survey(ctx)
	if err != nil {
		return err
	}
	folders(say, boxes, p.Choice.Remote, p.Names.There, func(name string) string { return names.Read(name, p.Names) })
	return nil
}

func (k *keeper) informLocal(ctx context.Context, p engine.Policy) error {
	say := k.front.screen.Info
	l := k.account.Local
	say(fmt.Sprintf("Local repository '%s': type '%s'", plain(l.Name), l.Type))
	k.expressions(l)
	boxes, err := k.localBoxes(ctx, p)
	if err != nil && !errors.Is(err, maildir.ErrNoRoot) {
		return err
	}
	folders(say, boxes, p.Choice.Local, p.Names.Back, func(name string) string { return name })
	return nil
}

// expressions shows what decides about folders, as it is written.
func (k *keeper) expressions(r *config.Repository) {
	for _, e := range []struct {
		name string
		is   config.Expression
	}{{"folderfilter", r.FolderFilter}, {"folderincludes", r.FolderIncludes}, {"nametrans", r.NameTrans}} {
		if e.is.Source != "" {
			k.front.screen.Info(e.name + "= " + plainLines(e.is.Source) + "\n")
		}
	}
}

// folders lists what a side has: which of it takes part, and its name on the
// other side where nametrans makes it another one. Sorted by that.
func folders(say func(string), boxes []store.Mailbox, chosen func(string) (bool, error), translate func(string) (string, error), read func(string) string) {
	say("Folderlist:")
	type line struct{ key, text string }
	var lines []line
	for _, b := range boxes {
		if !b.Selectable || b.Name == "" {
			continue
		}
		name := read(b.Name)
		visible, remark := name, ""
		if translate != nil {
			v, err := translate(name)
			if err != nil {
				remark = " (" + plain(err.Error()) + ")"
			} else if visible = v; v != name {
				remark = " -> " + plain(v)
			}
		}
		if chosen != nil {
			in, err := chosen(name)
			switch {
			case err != nil:
				remark += " (" + plain(err.Error()) + ")"
			case !in:
				remark += " (disabled)"
			}
		}
		lines = append(lines, line{strings.ToLower(visible), " " + plain(name) + remark})
	}
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.key, b.key) })
	for _, l := range lines {
		say(l.text)
	}
	say("")
}

func pythonBool(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

// plainLines is plain for a text of several lines.
func plainLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = plain(l)
	}
	return strings.Join(lines, "\n")
}
