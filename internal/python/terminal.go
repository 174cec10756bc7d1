package python

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// terminal is the one that we are in the foreground of, as it was when the child
// was started. A file of helpers may ask for a password there. Only a process of
// the foreground group may read it, so the child is in ours then: Ctrl-C reaches
// it, too, which it outlives, and what it has started has to be looked for when
// it must end. The zero value is none.
type terminal struct{ state *unix.Termios }

func findTerminal() terminal {
	group, err := unix.IoctlGetInt(0, unix.TIOCGPGRP)
	if err != nil || group != unix.Getpgrp() {
		return terminal{}
	}
	state, err := unix.IoctlGetTermios(0, unix.TCGETS)
	if err != nil {
		return terminal{}
	}
	return terminal{state}
}

func (t terminal) found() bool { return t.state != nil }

// restore makes input visible again after a child that had hidden it was killed.
func (t terminal) restore() {
	if t.found() {
		_ = unix.IoctlSetTermios(0, unix.TCSETS, t.state) // it may be gone
	}
}

// descendants are the processes below pid, as far as none of their parents ended.
func descendants(pid int) []int {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	var out []int
	for _, file := range lists {
		data, _ := os.ReadFile(file) // gone meanwhile
		for _, s := range strings.Fields(string(data)) {
			if child, err := strconv.Atoi(s); err == nil {
				out = append(append(out, child), descendants(child)...)
			}
		}
	}
	return out
}
