package guard

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/merge"
)

// hold makes a Hold of one folder or, where folder is "/", of the account.
// folder is what people call it, and name what it is; with the codes and what
// else tells this plan from others, name makes the Token.
func hold(folder, name string, reasons []Reason, plan ...string) *Hold {
	parts := []string{name}
	for _, r := range reasons {
		parts = append(parts, string(r.Code), r.Side)
	}
	return &Hold{Reasons: reasons, Token: token(append(parts, plan...)), Ask: ask(folder)}
}

// token is a hash over all parts. The length of each goes before it, so that
// none can pass for part of another: names come from the server.
func token(parts []string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// gone is what a plan removes, side by side, and of which mailbox. What it
// copies is not in it: a mail that arrives changes nothing for whoever approves.
func gone(in Input) []string {
	p := in.Plan
	return []string{
		strconv.FormatUint(uint64(in.Known.UIDValidity), 10),
		mail.SetOf(p.RemoveLocal...).String(),
		mail.SetOf(p.RemoveRemote...).String(),
		mail.SetOf(marked(p)...).String(),
	}
}

// marked are the mails that a plan removes on the server by a mark only.
func marked(p *merge.Plan) []mail.UID {
	if p.Remote.Removed == len(p.RemoveRemote) {
		return nil
	}
	var uids []mail.UID
	for _, c := range p.RemoteFlags {
		if c.Add&mail.Trashed != 0 {
			uids = append(uids, c.UID)
		}
	}
	return uids
}

// another is what tells the mailbox that is there from the one that was. The
// UIDNEXT that it has now is not in it: that grows with every mail, and the
// mailbox stays the same.
func another(in Input) []string {
	return []string{
		strconv.FormatUint(uint64(in.Known.UIDValidity), 10),
		strconv.FormatUint(uint64(in.Now.UIDValidity), 10),
		strconv.FormatUint(uint64(in.Known.UIDNext), 10),
	}
}
