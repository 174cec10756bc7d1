package testenv

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// installBus is what to do about a missing dbus-daemon.
const installBus = "dbus-daemon is missing; install it with: apt-get install dbus-daemon"

// BusServer is a message bus of a test's own, with the limits of a session bus.
type BusServer struct {
	t        T
	dir      string
	services string
	addr     string
	process  *os.Process   // nil: not running
	gone     chan struct{} // closed when the process has ended
}

// Bus starts a message bus for t and returns its address, for dbus.Connect and
// DBUS_SESSION_BUS_ADDRESS.
func Bus(t T) string {
	t.Helper()
	return NewBus(t, "").Addr()
}

// NewBus starts a message bus for t that activates what the *.service files in
// the directory services describe; "" is none. A machine without dbus-daemon
// fails the test.
func NewBus(t T, services string) *BusServer {
	t.Helper()
	if _, err := exec.LookPath("dbus-daemon"); err != nil {
		t.Fatalf(installBus)
	}
	dir, err := os.MkdirTemp(busBase(), "bus")
	if err != nil {
		t.Fatalf("make a directory for the bus: %v", err)
	}
	b := &BusServer{t: t, dir: dir, services: services}
	t.Cleanup(func() {
		b.kill()
		if log, _ := os.ReadFile(filepath.Join(dir, "stderr")); t.Failed() && len(log) > 0 {
			t.Logf("dbus-daemon said:\n%s", log)
		}
		_ = os.RemoveAll(dir)
	})
	b.writeConfig()
	b.Start()
	return b
}

// busBase is where the socket may be: its name must be short (108 octets,
// unix(7)) and needs no escape in an address.
func busBase() string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_.-"
	base := os.TempDir()
	if len(base) > 60 || strings.Trim(base, plain) != "" {
		return "/tmp"
	}
	return base
}

// Addr is the same after Stop and Start.
func (b *BusServer) Addr() string { return b.addr }

// Stop ends the bus at once, as a crash does: every connection breaks.
func (b *BusServer) Stop() {
	b.kill()
}

// Start starts the bus again where it was, with nobody on it.
func (b *BusServer) Start() {
	b.t.Helper()
	if b.process != nil {
		return
	}
	if err := b.run(); err != nil {
		log, _ := os.ReadFile(filepath.Join(b.dir, "stderr"))
		b.t.Fatalf("start dbus-daemon: %v\n%s", err, log)
	}
}

func (b *BusServer) writeConfig() {
	b.t.Helper()
	var services bytes.Buffer
	if b.services != "" {
		services.WriteString("<servicedir>")
		_ = xml.EscapeText(&services, []byte(b.services))
		services.WriteString("</servicedir>")
	}
	config := `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=` + filepath.Join(b.dir, "bus") + `</listen>
  <auth>EXTERNAL</auth>
  ` + services.String() + `
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
`
	for _, limit := range []string{"max_incoming_bytes", "max_outgoing_bytes", "max_message_size"} {
		config += `  <limit name="` + limit + `">1000000000</limit>` + "\n"
	}
	for _, limit := range []string{"max_completed_connections", "max_connections_per_user",
		"max_names_per_connection", "max_match_rules_per_connection", "max_replies_per_connection"} {
		config += `  <limit name="` + limit + `">50000</limit>` + "\n"
	}
	config += "</busconfig>\n"
	if err := os.WriteFile(filepath.Join(b.dir, "bus.conf"), []byte(config), 0o644); err != nil {
		b.t.Fatalf("write the configuration of the bus: %v", err)
	}
}

// run starts the process and waits for the address, which it writes when it
// listens. The starting goroutine keeps its thread, see dovecot.run.
func (b *BusServer) run() error {
	out, err := os.OpenFile(filepath.Join(b.dir, "stderr"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.Command("dbus-daemon", "--nofork", "--nopidfile", "--nosyslog",
		"--config-file="+filepath.Join(b.dir, "bus.conf"), "--print-address=3")
	cmd.Dir = b.dir
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = out, out, []*os.File{w}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
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
	err = <-started
	w.Close()
	if err != nil {
		return err
	}
	b.process, b.gone = cmd.Process, gone
	_ = r.SetReadDeadline(time.Now().Add(20 * time.Second))
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		b.kill()
		return fmt.Errorf("it wrote no address: %w", err)
	}
	// The guid is another one after each start.
	b.addr, _, _ = strings.Cut(strings.TrimSpace(line), ",guid=")
	return nil
}

func (b *BusServer) kill() {
	if b.process == nil {
		return
	}
	_ = syscall.Kill(-b.process.Pid, syscall.SIGKILL)
	<-b.gone
	b.process = nil
}
