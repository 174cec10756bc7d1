// Package pyexpr says what the value of a Python expression is, and how one fails,
// whoever evaluates it; and evaluates it where the answer is certainly CPython's.
// What is not certain is ErrUnsupported, and Python's to answer. Within it, syntax
// reads an expression, interp walks its tree, regex is Python's re, text what
// strings can do, and raise has the words for what fails.
//
// It must not know which options there are, nor start any program. It starts no
// goroutines.
package pyexpr
