package server

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/internal/testenv"
	"github.com/offlineimap/offlineimapd/service"
)

func TestNameTaken(t *testing.T) {
	s := start(t, example())
	second := New(Options{Daemon: newFake(&service.Status{}), Ready: func() { t.Error("the second is ready") }})
	if err := second.Serve(context.Background(), s.bus.Addr()); !errors.Is(err, ErrNameTaken) || errors.Is(err, ErrBusLost) {
		t.Errorf("the second ends with %v", err)
	}
	s.client().must(api.Path, api.PeerInterface+".Ping")
	s.end()
	if err := <-s.result; err != nil {
		t.Errorf("the first ends with %v", err)
	}
	s.serve() // the name is free again
}

func TestNoBus(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	for _, address := range []string{"unix:path=" + nowhere, "tcp:host=localhost,port=1", "unix:guid=1", "nonsense", ";"} {
		err := New(Options{Daemon: newFake(&service.Status{})}).Serve(context.Background(), address)
		if !errors.Is(err, ErrNoBus) {
			t.Errorf("with %q, Serve ends with %v", address, err)
		}
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", "")
	if err := New(Options{Daemon: newFake(&service.Status{})}).Serve(context.Background(), ""); !errors.Is(err, ErrNoBus) {
		t.Errorf("without a session, Serve ends with %v", err)
	}
}

// TestSessionBus finds the bus as a user's programs do.
func TestSessionBus(t *testing.T) {
	b := testenv.NewBus(t, "")
	dir := filepath.Dir(b.Addr()[len("unix:path="):])
	for name, env := range map[string][2]string{
		"by its address":         {b.Addr(), ""},
		"by the second address":  {"unix:path=/nowhere;" + b.Addr(), ""},
		"in the run-time folder": {"", dir},
		"by unix:runtime=yes":    {"unix:runtime=yes", dir},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DBUS_SESSION_BUS_ADDRESS", env[0])
			t.Setenv("XDG_RUNTIME_DIR", env[1])
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if err := New(Options{Daemon: newFake(&service.Status{}), Ready: cancel}).Serve(ctx, ""); err != nil {
				t.Errorf("Serve: %v", err)
			}
			if ctx.Err() == nil {
				t.Error("it was never ready")
			}
		})
	}
}

func TestBusLost(t *testing.T) {
	s := start(t, example())
	s.bus.Stop()
	select {
	case err := <-s.result:
		if !errors.Is(err, ErrBusLost) {
			t.Errorf("Serve ends with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Serve outlives the bus")
	}
	if n := len(s.daemon.took()); n > 0 {
		t.Errorf("the daemon was asked for %d things", n)
	}
	s.bus.Start()
	s.serve()
	s.client().must(api.Path, manager+"Describe")
}

// TestEnd drops the name early, after the last news, and ends what is at work.
func TestEnd(t *testing.T) {
	s := start(t, example())
	block := make(chan struct{})
	defer close(block)
	s.daemon.set(func(f *fake) { f.block = block })
	c := s.client()
	signals := c.signals()
	if err := c.AddMatchSignal(dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, api.BusName)); err != nil {
		t.Fatal(err)
	}
	answer := c.Object(api.BusName, api.Path).Go(manager+"Reload", 0, make(chan *dbus.Call, 1))
	eventually(t, "the call is at work", func() bool { return len(s.daemon.took()) == 1 })
	s.daemon.change(func(st *service.Status) { st.Text = "one" })
	s.daemon.change(func(st *service.Status) { st.Text = "the last" })
	begun := time.Now()
	s.end()
	if err := <-s.result; err != nil || time.Since(begun) > time.Second {
		t.Errorf("Serve ends with %v after %v", err, time.Since(begun))
	}
	var de dbus.Error
	if call := <-answer.Done; !errors.As(call.Err, &de) || de.Name != api.ErrorPrefix+"ShuttingDown" {
		t.Errorf("the call at work ends with %v", call.Err)
	}
	said := ""
	for {
		select {
		case sig := <-signals:
			if sig.Name == api.PropertiesInterface+".PropertiesChanged" {
				if text, ok := sig.Body[1].(options)["StateText"]; ok {
					said, _ = text.Value().(string)
				}
			}
			if sig.Name == "org.freedesktop.DBus.NameOwnerChanged" {
				if said != "the last" {
					t.Errorf("the last text before the name was dropped is %q", said)
				}
				return
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the name was not dropped")
		}
	}
}

// TestStuckBus has a bus that says hello, and then reads nothing any more.
func TestStuckBus(t *testing.T) {
	dir, err := os.MkdirTemp("", "stuck")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, "bus"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	stuck := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		greet(nc)
		<-stuck
	}()
	f := newFake(example())
	ctx, cancel := context.WithCancel(context.Background())
	ready, result := make(chan struct{}), make(chan error, 1)
	s := New(Options{Daemon: f, Ready: func() { close(ready) }})
	go func() { result <- s.Serve(ctx, "unix:path="+filepath.Join(dir, "bus")) }()
	<-ready
	for i := range 20000 { // more than a socket takes
		f.change(func(st *service.Status) { st.Accounts[0].Messages = i }, eventNewMail(i))
	}
	begun := time.Now()
	cancel()
	if err := <-result; err != nil || time.Since(begun) > 2*time.Second {
		t.Errorf("Serve ends with %v after %v", err, time.Since(begun))
	}
	close(stuck)
	<-done
}
