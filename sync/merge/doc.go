// Package merge compares the base, what both sides last agreed on, with what
// each side holds now, and says what must happen for them to agree again: a
// Plan, whose order is total and stable.
//
// It must not know stores, the state or the guard, and does nothing itself: it
// is a function of its arguments. It starts no goroutines.
package merge
