// Package pyexpr evaluates the Python expressions of a configuration without
// Python: names of folders to translate, filters, lists. An expression can reach
// nothing but its arguments, the environment's variables and the paths of
// files; it has a limit of steps and of time.
//
// It must not know which options there are, nor start any program. It starts no
// goroutines.
package pyexpr
