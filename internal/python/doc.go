// Package python evaluates the Python expressions of a configuration: in the
// process where internal/pyexpr can, and in one python3 child for what only
// Python can do, such as a file of helper functions.
//
// It must not know which options there are, nor what a value is used for: it
// never logs one, and no error contains one. What the child prints on standard
// error is handed to Options.Log; what it prints on standard output is dropped,
// for helpers that print a password are not rare. It can read the terminal where
// the program runs in the foreground of one.
//
// The child is started by the first expression that needs it. It has two
// goroutines, which belong to its host and end with it: one waits for its end,
// one reads its standard error. Close ends the child, and waits for both.
package python
