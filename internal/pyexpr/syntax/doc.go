// Package syntax reads one Python 3 expression into a tree. What Python's own
// parser refuses is a SyntaxError here too; what is Python, but beyond what is
// evaluated here (walrus, await, complex numbers, names of characters), is
// raise.ErrUnsupported, and so is whatever the versions of Python differ in.
//
// It must not know what a name or an operator means. It starts no goroutines.
package syntax
