package state

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/sync/mail"
)

// children are what the test binary does when it is started by child.
var children = map[string]func(){
	"open":  childOpen,
	"write": childWrite,
	"lock":  childLock,
	"lockf": childLockf,
	"flock": childFlock,
}

func child(what string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "STATE_TEST_CHILD="+what,
		"GORACE=atexit_sleep_ms=0") // the race detector would wait for a second
	return cmd
}

func childOpen() {
	d, err := Open(context.Background(), os.Args[1], Options{Account: "work"})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	d.Close()
}

// childWrite makes commit after commit and says so after each, until it is
// killed; with a third argument it kills itself at the nth step of that name.
func childWrite() {
	var d *DB
	o := Options{Account: "work"}
	if len(os.Args) > 2 {
		name, nth, _ := strings.Cut(os.Args[2], ":")
		n, _ := strconv.Atoi(nth)
		o.Step = func(s string) {
			if s == name {
				if n--; n == 0 {
					syscall.Kill(os.Getpid(), syscall.SIGKILL)
					select {}
				}
			}
		}
	}
	fmt.Println("started")
	d, err := Open(context.Background(), os.Args[1], o)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if d.Recovered() != "" {
		fmt.Println(d.Recovered())
		os.Exit(1)
	}
	n, err := commits(d)
	for ; err == nil; n++ {
		err = write(d, n+1)
		fmt.Println(n + 1)
	}
	fmt.Println(err)
	os.Exit(1)
}

// commits returns how many commits of write the state holds.
func commits(d *DB) (int, error) {
	s, ok, err := d.Meta(context.Background(), "a")
	if err != nil || !ok {
		return 0, err
	}
	return strconv.Atoi(s)
}

// write makes the nth commit: rows put and dropped, an intent opened and
// another closed, a stamp and a number, all of which must agree.
func write(d *DB, n int) error {
	changes := []Change{SetMeta{"a", strconv.Itoa(n)}}
	folder := int64(1)
	if n == 1 {
		changes = append(changes, AddFolder{&Folder{Remote: "INBOX", Local: "INBOX"}})
	} else {
		changes = append(changes, AddIntents{[]Intent{{Folder: folder, Key: strconv.Itoa(n)}}}, CloseIntents{[]int64{int64(n) - 2}},
			PutRows{folder, rowsOf(n)}, SetStamps{Folder: folder, Remote: &mail.Stamp{ModSeq: mail.ModSeq(n)}})
		var uids []mail.UID
		for _, r := range rowsOf(n - 1) {
			uids = append(uids, r.UID)
		}
		changes = append(changes, DropRows{folder, uids})
	}
	return d.Commit(context.Background(), n%2 == 0, changes...)
}

// rowsOf are the rows after commit n, and none of those after the one before.
func rowsOf(n int) []mail.Entry {
	var rows []mail.Entry
	if n < 2 {
		return nil
	}
	for u := mail.UID(1 + n%8); u < 40_000; u += 8 {
		rows = append(rows, mail.Entry{UID: u, Flags: mail.Flags(n)})
	}
	return rows
}

// checkWritten fails unless d is exactly as after one of the commits, and
// returns which.
func checkWritten(t *testing.T, d *DB) int {
	t.Helper()
	if d.Recovered() != "" {
		t.Fatal(d.Recovered())
	}
	n, err := commits(d)
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, d)
	want := content{Rows: map[int64][]mail.Entry{}, Intents: map[int64][]Intent{}, Meta: map[string]string{}, Apart: map[int64]Apart{}}
	if n > 0 {
		want.Meta["a"] = strconv.Itoa(n)
		f := Folder{ID: 1, Remote: "INBOX", Local: "INBOX", Count: len(rowsOf(n))}
		if n > 1 {
			f.RemoteStamp.ModSeq = mail.ModSeq(n)
			want.Rows[1] = rowsOf(n)
			want.Intents[1] = []Intent{{ID: int64(n) - 1, Folder: 1, Key: strconv.Itoa(n)}}
		}
		want.Folders = []Folder{f}
	}
	same(t, want, got)
	return n
}

// TestKill kills a writer at random moments, the first ones while the file is
// made, and finds the state as after one of its commits: the last that it knew
// to be done, or the next.
func TestKill(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 10
	}
	path := filepath.Join(t.TempDir(), "x.db")
	for round := range rounds {
		cmd := child("write", path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(out)
		if line, _ := in.ReadString('\n'); line != "started\n" {
			t.Fatalf("the child says %q", line)
		}
		time.Sleep(time.Duration(rand.IntN(1+round*1000)) * time.Microsecond)
		cmd.Process.Kill()
		rest, _ := io.ReadAll(in)
		cmd.Wait()
		known := -1
		if lines := strings.Fields(string(rest)); len(lines) > 0 {
			if known, err = strconv.Atoi(lines[len(lines)-1]); err != nil {
				t.Fatalf("the child failed: %s", rest)
			}
		}
		if round%3 == 2 { // the next child finds what this one left
			continue
		}
		d := mustOpen(t, path, Options{})
		n := checkWritten(t, d)
		if n < known || known >= 0 && n > known+1 {
			t.Errorf("round %d: after commit %d, the last one known was %d", round, n, known)
		}
		mustClose(t, d)
	}
}

// TestKillAtStep kills a writer at each step of its commits.
func TestKillAtStep(t *testing.T) {
	for _, c := range []struct {
		step string
		want int
	}{{"commit:1", 0}, {"committed:1", 1}, {"commit:3", 2}, {"committed:3", 3}} {
		t.Run(c.step, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			out, _ := child("write", path, c.step).CombinedOutput()
			d := mustOpen(t, path, Options{})
			defer mustClose(t, d)
			if n := checkWritten(t, d); n != c.want {
				t.Errorf("after commit %d, not %d; the child said %s", n, c.want, out)
			}
		})
	}
}
