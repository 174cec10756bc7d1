package ui

import "log/slog"

// record is one thing that is said.
type record struct {
	level  slog.Level
	thread string // who says it; "": the program
	// text is for people, without control characters but line ends and tabs; "":
	// only programs are told.
	text string
	// command and data are machineui's; without a command it gets the text.
	command string
	data    []string
	human   bool // programs are told otherwise
	banner  bool
}

// face writes records down in the manner of one user interface. It is called by one
// goroutine at a time. What cannot be written is lost: there is nobody to tell.
type face interface {
	write([]record)
}
