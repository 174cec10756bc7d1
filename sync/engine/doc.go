// Package engine carries out one run for one account: it surveys both sides,
// scans what changed, has the merge planned and guarded, applies the plan, and
// reports. It is the only place that orders writes, so the promises about
// crashes are kept or broken here:
//
//   - a row enters the base only after what it describes is durable in both stores;
//   - an upload stands in the journal before it leaves, and is looked for before
//     it is ever repeated;
//   - removals come last, and repeating them changes nothing;
//   - what may have been moved to a folder that was not synced in this run stays
//     on the server until it has gone up from there.
//
// It must not know IMAP, Maildir, configuration, or how anything is shown; it
// knows stores by their contract and the state by its package.
//
// Run starts all goroutines and ends them before it returns: up to twice as
// many workers as the remote side takes in parallel, one committer that alone
// writes the state, and the caller's own, which alone calls the Observer.
package engine
