// Package regex is Python's module re: its regular expressions, what they match,
// and its templates. It matches by backtracking as Python's engine does, with
// the same answers where others differ: empty iterations, empty matches, groups
// that took no part. What it cannot vouch for is raise.ErrUnsupported.
//
// It must not know what a pattern is for. It starts no goroutines; a Regexp is
// never changed once it is compiled.
package regex
