package guard

import "strings"

// Code names a reason for programs; it never changes.
type Code string

// The codes.
const (
	Validity    Code = "uidvalidity-changed" // the server has another mailbox under this name
	Backwards   Code = "uidnext-backwards"   // the same, on a server that does not say so
	Unlisted    Code = "folder-unlisted"     // the server does not list the folder any more
	ManyMissing Code = "folders-unlisted"    // nor many others
	Emptied     Code = "folder-emptied"      // no mail is left on one side
	ManyRemoved Code = "many-removals"       // more removals than the limits allow
	RootMissing Code = "root-missing"        // the local folders are not there
	RootForeign Code = "root-foreign"        // what is there are not those we knew
	OtherRemote Code = "other-account"       // the configuration names another server or user
)

// Where something was seen.
const (
	Local  = "local"
	Remote = "remote"
)

// Reason is one thing that speaks against going on.
type Reason struct {
	Code Code   `json:"code"`
	Side string `json:"side"` // where it was seen: Local or Remote
	Text string `json:"text"` // for people: what, why, and what to do; several sentences
}

// Hold keeps a folder as it is on both sides until the reasons are gone or a
// person approves.
type Hold struct {
	Reasons []Reason `json:"reasons"` // at least one, the gravest first
	// Token names what would be carried out, were it let through: 12 hexadecimal
	// digits, the same for as long as nothing of it changes.
	Token string `json:"token"`
	// Ask is what stands in the texts to tell how to approve on the command line,
	// for those who offer another way to put that in its place.
	Ask string `json:"-"`
}

// String joins the texts of all reasons.
func (h *Hold) String() string {
	texts := make([]string, len(h.Reasons))
	for i, r := range h.Reasons {
		texts[i] = r.Text
	}
	return strings.Join(texts, "\n")
}
