// Package interp evaluates the tree of a Python expression. Its values are never
// changed once they are made, except iterators, which belong to the one Run that
// made them; so a function can be called by several goroutines.
//
// What it does, it does as Python 3 does; what it does not do for certain in the
// same way is raise.ErrUnsupported. Only what Python 2 had and Python 3 has not
// is added: cmp, unicode, dict.has_key, dict.iteritems.
//
// It must not know where an expression stands. It reaches nothing but the
// environment's variables, and starts no goroutines.
package interp
