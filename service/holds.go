package service

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/guard"
)

// holds reads the plans that wait from a report. Those of folders that it does not
// speak of stay where keep says so, and those that were there already keep their
// time. The token is for all together.
func holds(r *engine.Report, account string, before []Hold, now time.Time, keep func(Hold) bool) ([]Hold, string) {
	var hs []Hold
	seen := map[string]bool{}
	for _, f := range r.Folders {
		if f.Hold == nil || seen[f.Hold.Token] {
			continue
		}
		seen[f.Hold.Token] = true
		text, code, all := holdText(f.Hold, account)
		h := Hold{Token: f.Hold.Token, Folder: f.Name, Code: string(code), Text: text, Since: now}
		if all {
			h.Folder = engine.ApproveRoot
		}
		hs = append(hs, h)
	}
	for _, was := range before {
		i := slices.IndexFunc(hs, func(h Hold) bool { return h.Token == was.Token })
		switch {
		case i >= 0:
			hs[i].Since = was.Since
		case keep(was) && !reported(r, was.Folder):
			hs = append(hs, was)
		}
	}
	if len(hs) == 0 {
		return nil, ""
	}
	tokens := make([]string, len(hs))
	for i, h := range hs {
		tokens[i] = h.Token
	}
	if len(tokens) == 1 {
		return hs, tokens[0]
	}
	slices.Sort(tokens)
	sum := sha256.Sum256([]byte(strings.Join(tokens, "\n")))
	return hs, hex.EncodeToString(sum[:6])
}

// reported tells whether a run looked at the folder.
func reported(r *engine.Report, folder string) bool {
	return slices.ContainsFunc(r.Folders, func(f engine.Folder) bool { return f.Name == folder })
}

// holdText puts into a hold's words how to approve it here, and tells whether it
// is about the account as a whole.
func holdText(h *guard.Hold, account string) (text string, code guard.Code, all bool) {
	how := "approve it"
	if account != "" {
		how = "approve it (offlineimapctl approve " + account + ")"
	}
	text, code = h.String(), h.Reasons[0].Code
	if h.Ask != "" {
		text = strings.ReplaceAll(text, h.Ask, how)
	}
	switch code {
	case guard.RootMissing, guard.RootForeign, guard.OtherRemote:
		all = true
	}
	return text, code, all
}
