package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// rawLoopVerb has this program read every mail and no more: what no first sync
// can be faster than, on this machine and over this line.
const rawLoopVerb = "_rawloop"

// rawConns is as many connections as offlineimapd opens by default.
const rawConns = 4

func rawLoopMain(args []string) int {
	if err := readAll(args[0], args[1], args[2], args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// readAll reads every body over four connections, writes a file each and
// calls syncfs once. It keeps no state, no flags and no names.
func readAll(addr, user, pass, dir string) error {
	first, err := dialRaw(addr, user, pass)
	if err != nil {
		return err
	}
	names, err := first.mailboxes()
	if err != nil {
		return err
	}
	// The first mailbox is shared by all, as it is the large one.
	jobs := make(chan [2]string, rawConns+len(names))
	for i := range rawConns {
		jobs <- [2]string{"INBOX", fmt.Sprintf("%d/%d", i, rawConns)}
	}
	for _, name := range names {
		if name != "INBOX" {
			jobs <- [2]string{name, "0/1"}
		}
	}
	close(jobs)
	var wg sync.WaitGroup
	failed := make([]error, rawConns)
	for i := range rawConns {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c := first
			if i > 0 {
				if c, failed[i] = dialRaw(addr, user, pass); failed[i] != nil {
					return
				}
			}
			defer c.nc.Close()
			for job := range jobs {
				if failed[i] = c.read(job[0], job[1], dir); failed[i] != nil {
					return
				}
			}
		}()
	}
	wg.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return unix.Syncfs(int(d.Fd()))
}

type rawConn struct {
	nc net.Conn
	in *bufio.Reader
}

func dialRaw(addr, user, pass string) (*rawConn, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &rawConn{nc, bufio.NewReaderSize(nc, 64<<10)}
	if _, err := c.in.ReadSlice('\n'); err != nil {
		return nil, err
	}
	return c, c.run(fmt.Sprintf("LOGIN %s %s", user, pass), nil)
}

// run sends one command and hands over every line of the answer.
func (c *rawConn) run(command string, each func(line []byte) error) error {
	if _, err := fmt.Fprintf(c.nc, "a %s\r\n", command); err != nil {
		return err
	}
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if rest, ok := bytes.CutPrefix(line, []byte("a ")); ok {
			if !bytes.HasPrefix(rest, []byte("OK")) {
				return fmt.Errorf("%s: %s", command, rest)
			}
			return nil
		}
		if each != nil {
			if err := each(line); err != nil {
				return err
			}
		}
	}
}

func (c *rawConn) mailboxes() ([]string, error) {
	var names []string
	err := c.run(`LIST "" "*"`, func(line []byte) error {
		words := strings.Fields(string(line))
		names = append(names, strings.Trim(words[len(words)-1], `"`))
		return nil
	})
	return names, err
}

// read reads one share of a mailbox: "1/4" is the second quarter.
func (c *rawConn) read(name, share, dir string) error {
	exists := 0
	err := c.run("EXAMINE "+name, func(line []byte) error {
		if words := strings.Fields(string(line)); len(words) == 3 && words[2] == "EXISTS" {
			exists, _ = strconv.Atoi(words[1])
		}
		return nil
	})
	if err != nil {
		return err
	}
	var part, of int
	if _, err := fmt.Sscanf(share, "%d/%d", &part, &of); err != nil {
		return err
	}
	from, to := exists*part/of+1, exists*(part+1)/of
	if from > to {
		return nil
	}
	var buf []byte
	n := 0
	return c.run(fmt.Sprintf("FETCH %d:%d BODY.PEEK[]", from, to), func(line []byte) error {
		at := bytes.LastIndexByte(line, '{')
		if at < 0 {
			return nil
		}
		size, err := strconv.Atoi(string(bytes.TrimRight(line[at+1:], "}\r\n")))
		if err != nil {
			return err
		}
		if size > cap(buf) {
			buf = make([]byte, size)
		}
		buf = buf[:size]
		if _, err := io.ReadFull(c.in, buf); err != nil {
			return err
		}
		n++
		file := filepath.Join(dir, fmt.Sprintf("%s.%d.%d", name, part, n))
		return os.WriteFile(file, bytes.ReplaceAll(buf, []byte("\r\n"), []byte("\n")), 0o600)
	})
}
