package main

import (
	"fmt"
	"io"
)

// foreground runs accounts as OfflineIMAP does.
func foreground(o options, stdin io.Reader, stdout, stderr io.Writer) int {
	fmt.Fprintf(stderr, "%s: not there yet\n", o.name())
	return exitError
}
