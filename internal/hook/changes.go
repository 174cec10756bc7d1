package hook

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// mostChanges is how many changes are listed. Beyond, a look at everything costs
// a program that keeps an index less than the list would cost here.
const mostChanges = 20_000

// Changes gathers which files runs have made, renamed and removed, for programs
// such as notmuch and mu that keep an index of them. The zero value is empty; its
// methods may be called by several goroutines at once.
//
// As text it is one record a line, fields separated by a tab:
//
//	A	PATH         a file that is new
//	D	PATH         a file that is gone
//	R	PATH	NEW  a file that is called NEW now, because of its flags or its UID
//	*                too much to list: look at everything
//
// In a path, a backslash is written \\, a tab \t, and a line's end \n, which
// printf %b of the shell undoes; all other octets stand as they are. The records
// of a file are made one: one that was made and then renamed is new under its last
// name. Where there is nothing to tell there is no line.
type Changes struct {
	mu      sync.Mutex
	all     []change
	last    map[string]int // by the last name of a file, where it is in all
	tooMany bool
}

// change is a file's name before and after, with "" for none. Both are "" where
// nothing is left of it.
type change struct{ from, to string }

// Add notes that the file with the path from has the path to now. An empty from
// says that it is new, an empty to that it is gone.
func (c *Changes) Add(from, to string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tooMany || from == to {
		return
	}
	i, known := c.last[from]
	known = known && from != ""
	switch {
	case known:
		delete(c.last, from)
	case len(c.all) == mostChanges:
		c.all, c.last, c.tooMany = nil, nil, true
		return
	default:
		i = len(c.all)
		c.all = append(c.all, change{from: from})
	}
	one := &c.all[i]
	if one.to = to; one.from == to {
		*one = change{} // as it was
	} else if to != "" {
		if c.last == nil {
			c.last = map[string]int{}
		}
		c.last[to] = i
	}
}

// Reset forgets everything.
func (c *Changes) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all, c.last, c.tooMany = nil, nil, false
}

var escape = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`)

func (c *Changes) text() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tooMany {
		return []byte("*\n")
	}
	var b bytes.Buffer
	for _, one := range c.all {
		from, to := escape.Replace(one.from), escape.Replace(one.to)
		switch {
		case from == "" && to == "":
		case from == "":
			b.WriteString("A\t" + to + "\n")
		case to == "":
			b.WriteString("D\t" + from + "\n")
		default:
			b.WriteString("R\t" + from + "\t" + to + "\n")
		}
	}
	return b.Bytes()
}

// file is the text as a file in memory: a hook may read it when it likes, or not
// at all, and nobody has to wait for that.
func (c *Changes) file() (*os.File, error) {
	fd, err := unix.MemfdCreate("changes", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a file in memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), "changes")
	if _, err = f.Write(c.text()); err == nil {
		_, err = f.Seek(0, 0)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("write the list of changes: %w", err)
	}
	return f, nil
}
