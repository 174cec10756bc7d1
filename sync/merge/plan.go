package merge

import "github.com/offlineimap/offlineimapd/sync/mail"

// Options say what may be carried from one side to the other.
type Options struct {
	// LocalReadOnly and RemoteReadOnly: that side gets no operations. What the
	// other side has ahead of it stays pending. Snapshot.ReadOnly does the same.
	LocalReadOnly, RemoteReadOnly bool
	// LocalDeletes and RemoteDeletes: a mail that was removed on that side is
	// removed on the other too. Otherwise it stays there, and its row in the
	// base, so that it does not come back.
	LocalDeletes, RemoteDeletes bool
	// KeepDeleted: what was removed locally is only marked \Deleted remotely.
	// Its row stays in the base with Trashed set, and nothing more happens until
	// the server removes it, or somebody there takes the mark off again, which
	// brings the mail back.
	KeepDeleted bool
	// Outside are mails that limits leave where they are: they are not copied, and
	// that one side lost them is not carried to the other. Such a one that is new here
	// stays pending.
	Outside mail.Set
	// Stay are keys of new local mails that limits leave where they are.
	Stay map[string]bool
}

// Plan is what makes both sides agree. Every list ascends by UID, except
// Upload, which has the order of the snapshot. A mail stands in at most one of
// Download, Reupload, RemoveLocal, RemoveRemote, ApartLocal, ApartRemote and Forget.
//
// The rows of the base follow what was carried out: a mail that was downloaded
// or uploaded gets the row {its UID, its flags & Shared}, which replaces one
// that is there; a mail that was removed loses its row.
type Plan struct {
	Download []mail.Entry // to the local side, with the flags to give
	Upload   []mail.Fresh // to the remote side, with the flags to give
	// Reupload are local mails with a UID that neither the base nor the remote
	// knows, so that nothing proves that they ever were there. They are uploaded
	// as new, and get the UID that comes of it.
	Reupload []mail.Entry

	// Unproven are UIDs on both sides of which the base knows nothing: only a file
	// name says that they are the same mail. They are in Rows, and in the flag
	// changes, as if they were.
	Unproven []mail.UID

	LocalFlags, RemoteFlags   []mail.FlagChange
	RemoveLocal, RemoveRemote []mail.UID
	Mark                      []mail.UID // of RemoteFlags, those that Options.KeepDeleted has in place of a removal

	// ApartLocal and ApartRemote stay on that side alone, as Options.Outside says.
	// They have no row, and no snapshot is to mention them from then on.
	ApartLocal, ApartRemote []mail.UID

	// Rows are to be written once the flag changes for their UID, if there are
	// any, are durable, and not where the mail turned out to be gone.
	Rows   []mail.Entry
	Forget []mail.UID // rows of mails that are gone on both sides

	Shared        mail.Flags // the flags both sides can store: the only ones compared
	Base          int        // mails of the base that stood on both sides, or were removed on one since
	Local, Remote Side
}

// Side is what a plan means for one side. The counts of mails are true only
// where Merge had the whole base; without that no plan removes anything.
type Side struct {
	ReadOnly bool
	Mails    int // there before
	Left     int // there afterwards
	Removed  int // mails that the plan removes there, or marks as Options.KeepDeleted says
	// Emptied: no mail of the base is left on this side, and the plan carries
	// that to the other.
	Emptied bool
	// Pending counts what this side has ahead of the other that cannot be
	// carried there, because the other is read-only. While there is any, the
	// stamp of this side must not be kept, or the difference is out of sight
	// until the next full listing.
	Pending int
	// Relist: the snapshot of this side does not say enough about some mails,
	// which the plan leaves alone. With a Full one it will be complete.
	Relist bool
}

// Empty tells whether the plan changes neither a side nor the base.
func (p *Plan) Empty() bool {
	return p.Quiet() && len(p.Rows) == 0 && len(p.Forget) == 0 && len(p.ApartLocal) == 0 && len(p.ApartRemote) == 0
}

// Quiet tells whether the plan changes neither side.
func (p *Plan) Quiet() bool {
	return len(p.Download) == 0 && len(p.Upload) == 0 && len(p.Reupload) == 0 &&
		len(p.LocalFlags) == 0 && len(p.RemoteFlags) == 0 &&
		len(p.RemoveLocal) == 0 && len(p.RemoveRemote) == 0
}
