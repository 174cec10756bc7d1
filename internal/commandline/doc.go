// Package commandline reads a command line as Python's optparse does, which
// OfflineIMAP uses: long options may be abbreviated, short ones joined, options
// and other arguments mixed.
//
// It must not know which options there are, nor what they mean. It starts no
// goroutine.
package commandline
