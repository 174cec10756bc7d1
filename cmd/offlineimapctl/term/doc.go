// Package term is what offlineimapctl knows of terminals: streams that a test
// can replace, colour and dots where they are wanted, aligned tables, times and
// sizes for people, a progress line, and questions.
//
// Its rules: results go to Out, everything else to Err; nothing that came from a
// server, a file or the bus reaches a stream with control characters in it, which
// Printf and Table see to; no fact is told by colour alone.
//
// It must not know the daemon or what a verb does; it starts no goroutines.
package term
