// Package guard says whether a plan may be carried out without asking a
// person. What it holds back changes on neither side until somebody approves,
// since what it looks at is what lost mailboxes look like: a folder emptied, a
// folder another than it was, a folder or a whole tree not there.
//
// It must not know stores, the state or the clock: it is functions of their
// arguments. It starts no goroutines.
package guard
