package testenv

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// imapDir is where a machine's Dovecot keeps everything; imapPort is a port that
// nobody else in the machine has.
const (
	imapDir  = "/srv/imap"
	imapPort = 10143
)

// Dovecot starts a Dovecot inside, as a service of the system that Stop and
// Start of the returned Server stop and start. The server's address means
// something inside only: see Client and Dial. TLS and Hide are not supported.
func (m *Machine) Dovecot(o DovecotOptions) *Server {
	m.t.Helper()
	d := &dovecot{t: m.t, o: o, version: dovecotVersion(m.t), dir: imapDir, port: imapPort,
		uid: 65534, gid: 65534, user: "nobody", group: "nogroup"}
	for _, dir := range []string{"", "run", "state", "home"} {
		path := filepath.Join(m.Path(imapDir), dir)
		if err := cmp.Or(os.MkdirAll(path, 0o755), os.Chown(path, d.uid, d.gid)); err != nil {
			m.t.Fatalf("make a directory for the machine's Dovecot: %v", err)
		}
	}
	unit := fmt.Sprintf("[Service]\nUser=%s\nGroup=%s\nExecStart=%s -F -c %s/dovecot.conf\nTimeoutStopSec=1s\n",
		d.user, d.group, dovecotPath(), imapDir)
	for path, text := range map[string]string{imapDir + "/dovecot.conf": d.config(), "/etc/systemd/system/imap.service": unit} {
		if err := os.WriteFile(m.Path(path), []byte(text), 0o644); err != nil {
			m.t.Fatalf("configure the machine's Dovecot: %v", err)
		}
	}
	s := &Server{
		t: m.t, addr: d.addr(), home: m.Path(imapDir + "/home"),
		start: func() { m.startDovecot(d) },
		stop:  func() { m.must("systemctl stop imap") },
	}
	m.must("systemctl daemon-reload")
	s.start()
	return s
}

// startDovecot returns when it greets.
func (m *Machine) startDovecot(d *dovecot) {
	m.t.Helper()
	m.must("systemctl start imap")
	for limit := time.Now().Add(20 * time.Second); time.Now().Before(limit); time.Sleep(5 * time.Millisecond) {
		if nc, err := m.Dial(d.addr()); err == nil && greeted(nc) {
			return
		}
	}
	log, _ := os.ReadFile(m.Path(imapDir + "/log"))
	m.t.Fatalf("start the machine's Dovecot: no greeting within 20 seconds\n%s", log)
}

// must runs a script as root that cannot fail.
func (m *Machine) must(script string) {
	m.t.Helper()
	if out, exit := m.Root(script); exit != 0 {
		m.t.Fatalf("%s: exit status %d\n%s", script, exit, strings.TrimSpace(out))
	}
}

// Client logs in at an address inside.
func (m *Machine) Client(addr, user, pass string) *Mailer {
	m.t.Helper()
	nc, err := m.Dial(addr)
	if err != nil {
		m.t.Fatalf("mailer: %v", err)
	}
	return clientOn(m.t, nc, user, pass)
}

// Dial connects from outside to a TCP address inside, an IP address and a port.
func (m *Machine) Dial(addr string) (net.Conn, error) {
	inside, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", m.pid))
	if err != nil {
		return nil, fmt.Errorf("dial %s in the machine: %w", addr, err)
	}
	defer inside.Close()
	type answer struct {
		nc  net.Conn
		err error
	}
	got := make(chan answer)
	// The goroutine's thread is in the machine's network now, and so is never given
	// back: it ends with the goroutine, for want of UnlockOSThread.
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(int(inside.Fd()), unix.CLONE_NEWNET); err != nil {
			got <- answer{nil, fmt.Errorf("enter the machine's network: %w", err)}
			return
		}
		nc, err := net.DialTimeout("tcp", addr, 10*time.Second)
		got <- answer{nc, err}
	}()
	a := <-got
	return a.nc, a.err
}
