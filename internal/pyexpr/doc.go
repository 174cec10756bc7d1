// Package pyexpr says what the value of a Python expression is, and how one fails,
// whoever evaluates it.
//
// It must not know which options there are, nor start any program. It starts no
// goroutines.
package pyexpr
