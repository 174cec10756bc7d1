package testenv

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// DovecotOptions say how this Dovecot differs from the usual one, which has
// users of any name with the password "pass", and every extension that it knows.
type DovecotOptions struct {
	Config     string   // more configuration, read last
	Hide       []string // capabilities that are not announced although they work, but for COMPRESS=DEFLATE, which is off then; see also ProxyOptions.Without
	Capability string   // what is announced instead of everything
	Format     string   // mailbox format: "sdbox" (default) or "maildir"
	Separator  string   // of the namespace: "/" (default) or "."
	Fsync      string   // mail_fsync: "never" (default), "optimized" (Dovecot's own default) or "always"
	OAuth      string   // where tokens are introspected (RFC 7662); "": there are none
	TLS        bool     // STARTTLS on the plain port, and a port for TLS from the start
}

// installDovecot is what to do about a missing Dovecot.
const installDovecot = "Dovecot is missing; install it with: apt-get install dovecot-imapd"

// Dovecot starts a Dovecot of its own for t, as the calling user or, for root,
// as nobody. A machine without Dovecot fails the test.
func Dovecot(t T, o DovecotOptions) *Server {
	t.Helper()
	d := &dovecot{t: t, o: o, version: dovecotVersion(t)}
	d.makeDir()
	s := &Server{t: t, home: filepath.Join(d.dir, "home"), start: d.start, stop: d.stop}
	t.Cleanup(func() {
		d.kill()
		if t.Failed() {
			t.Logf("the end of Dovecot's log:\n%s", d.logTail())
		}
		// What was killed may write for a moment more.
		for range 20 {
			if os.RemoveAll(d.dir) == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	if o.TLS {
		d.cert, d.key = writeCert(t, d.dir, d.uid, d.gid)
		s.caFile = d.cert
	}
	d.begin()
	if len(o.Hide) > 0 && o.Capability == "" {
		d.o.Capability = hidden(t, d.addr(), o.Hide)
		d.kill()
		d.writeConfig()
		d.start()
	}
	s.addr = d.addr()
	if o.TLS {
		s.tlsAddr = fmt.Sprintf("127.0.0.1:%d", d.tlsPort)
	}
	return s
}

type dovecot struct {
	t             T
	o             DovecotOptions
	version       [2]int
	dir           string
	uid, gid      int
	user, group   string
	port, tlsPort int
	cert, key     string
	process       *os.Process   // nil: not running
	gone          chan struct{} // closed when the process has ended
}

func (d *dovecot) addr() string { return fmt.Sprintf("127.0.0.1:%d", d.port) }

// makeDir makes a directory that the server's user can reach and whose name is
// short enough for the Unix sockets in it (108 octets, unix(7)).
func (d *dovecot) makeDir() {
	d.uid, d.gid, d.user, d.group = os.Getuid(), os.Getgid(), "nobody", "nogroup"
	if d.uid == 0 {
		d.uid, d.gid = 65534, 65534
	} else {
		u, err := user.Current()
		if err != nil {
			d.t.Fatalf("find the name of user %d for Dovecot: %v", d.uid, err)
		}
		g, err := user.LookupGroupId(strconv.Itoa(d.gid))
		if err != nil {
			d.t.Fatalf("find the name of group %d for Dovecot: %v", d.gid, err)
		}
		d.user, d.group = u.Username, g.Name
	}
	base := os.TempDir()
	if len(base) > 40 || d.uid != os.Getuid() && !open(base) {
		base = "/tmp"
	}
	dir, err := os.MkdirTemp(base, "dovecot")
	if err != nil {
		d.t.Fatalf("make a directory for Dovecot: %v", err)
	}
	d.dir = dir
	for _, sub := range []string{"", "run", "state", "home"} {
		path := filepath.Join(dir, sub)
		if err := os.MkdirAll(path, 0o755); err != nil {
			d.t.Fatalf("make a directory for Dovecot: %v", err)
		}
		if err := os.Chmod(path, 0o755); err != nil {
			d.t.Fatalf("make a directory for Dovecot: %v", err)
		}
		if err := os.Chown(path, d.uid, d.gid); err != nil {
			d.t.Fatalf("make a directory for Dovecot: %v", err)
		}
	}
}

// open tells whether every user can reach dir.
func open(dir string) bool {
	for dir = filepath.Clean(dir); ; dir = filepath.Dir(dir) {
		st, err := os.Stat(dir)
		if err != nil || st.Mode().Perm()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// begin chooses ports and starts the server; another process may have taken a
// port in between, so it tries again.
func (d *dovecot) begin() {
	d.t.Helper()
	var err error
	for range 5 {
		d.port, d.tlsPort = freePort(d.t), freePort(d.t)
		d.writeConfig()
		err = d.run()
		if err == nil {
			return
		}
		if !strings.Contains(d.logTail(), "Address already in use") {
			break
		}
	}
	d.t.Fatalf("start Dovecot: %v\n%s", err, d.logTail())
}

// start starts the server again where it was.
func (d *dovecot) start() {
	d.t.Helper()
	if d.process != nil {
		return
	}
	if err := d.run(); err != nil {
		d.t.Fatalf("start Dovecot again: %v\n%s", err, d.logTail())
	}
}

// run starts the process and waits until it greets. The goroutine that starts
// it stays on its thread until it ends: the kernel sends Pdeathsig when the
// parent's thread dies, not when its process does (prctl(2)).
func (d *dovecot) run() error {
	cmd := exec.Command(dovecotPath(), "-F", "-c", filepath.Join(d.dir, "dovecot.conf"))
	cmd.Dir = d.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(d.uid), Gid: uint32(d.gid)}
	}
	out, err := os.OpenFile(filepath.Join(d.dir, "stderr"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	started, gone := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(gone)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	d.process, d.gone = cmd.Process, gone
	limit := time.Now().Add(20 * time.Second)
	for time.Now().Before(limit) {
		select {
		case <-gone:
			d.process = nil
			return fmt.Errorf("it ended at once")
		default:
		}
		if greets(d.addr()) {
			return nil
		}
		time.Sleep(3 * time.Millisecond)
	}
	d.kill()
	return fmt.Errorf("no greeting within 20 seconds")
}

// stop ends the server in order, which takes its master a second, and whatever
// is left after three seconds at once.
func (d *dovecot) stop() {
	if d.process == nil {
		return
	}
	_ = d.process.Signal(syscall.SIGTERM)
	select {
	case <-d.gone:
	case <-time.After(3 * time.Second):
	}
	d.kill()
}

// kill ends the server and its children, who are one process group, at once.
func (d *dovecot) kill() {
	if d.process == nil {
		return
	}
	_ = syscall.Kill(-d.process.Pid, syscall.SIGKILL)
	<-d.gone
	d.process = nil
}

func (d *dovecot) logTail() string {
	var all []byte
	for _, name := range []string{"stderr", "log"} {
		b, _ := os.ReadFile(filepath.Join(d.dir, name))
		if len(b) > 4000 {
			b = b[len(b)-4000:]
		}
		all = append(all, b...)
	}
	return string(all)
}

// greets tells whether an IMAP server answers at addr.
func greets(addr string) bool {
	nc, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	return greeted(nc)
}

// greeted tells whether it is an IMAP server that nc leads to, and closes it.
func greeted(nc net.Conn) bool {
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(10 * time.Second))
	line, err := bufio.NewReader(nc).ReadString('\n')
	return err == nil && strings.HasPrefix(line, "* OK")
}

// hidden returns what the server at addr announces after login, without hide.
func hidden(t T, addr string, hide []string) string {
	m := Client(t, addr, "capability", "pass")
	defer m.Close()
	var caps []string
	for _, line := range m.Command("CAPABILITY") {
		if rest, ok := strings.CutPrefix(line, "* CAPABILITY "); ok {
			caps = strings.Fields(rest)
		}
	}
	return strings.Join(slices.DeleteFunc(caps, func(c string) bool { return slices.Contains(hide, c) }), " ")
}

// freePort finds a port that the kernel gives to no outgoing connection
// (those are from 32768 up), so that a stopped server gets it back.
func freePort(t T) int {
	for range 100 {
		port := 10000 + rand.IntN(22000)
		if ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			ln.Close()
			return port
		}
	}
	t.Fatalf("no free port on 127.0.0.1 between 10000 and 32000")
	return 0
}

// dovecotPath finds the program; /usr/sbin is not on every user's PATH.
func dovecotPath() string {
	for _, path := range []string{"dovecot", "/usr/sbin/dovecot", "/usr/local/sbin/dovecot"} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	return ""
}

func dovecotVersion(t T) [2]int {
	t.Helper()
	path := dovecotPath()
	if path == "" {
		t.Fatalf(installDovecot)
	}
	if _, err := os.Stat("/usr/lib/dovecot/imap"); err != nil {
		t.Fatalf(installDovecot)
	}
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		t.Fatalf("ask Dovecot for its version: %v", err)
	}
	var v [2]int
	if _, err := fmt.Sscanf(string(out), "%d.%d", &v[0], &v[1]); err != nil {
		t.Fatalf("Dovecot's version %q: %v", out, err)
	}
	return v
}
