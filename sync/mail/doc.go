// Package mail is the vocabulary of the engine: UIDs, flags, stamps, snapshots
// and the changes that lead from one state to another. Everything here is a
// pure value.
//
// It must not know stores, protocols, files or clocks; every other package
// below sync/ may import it. It starts no goroutines.
package mail
