package testenv

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

func TestBus(t *testing.T) {
	b := NewBus(t, "")
	connect := func() *dbus.Conn {
		t.Helper()
		c, err := dbus.Connect(b.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	c := connect()
	if reply, err := c.RequestName("org.example.Test", dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("own a name: %v, %v", reply, err)
	}
	if other := Bus(t); other == b.Addr() {
		t.Errorf("two buses at %s", other)
	}
	b.Stop()
	select {
	case <-c.Context().Done():
	case <-time.After(10 * time.Second):
		t.Fatal("a connection outlives its bus")
	}
	addr := b.Addr()
	b.Start()
	if b.Addr() != addr {
		t.Errorf("the bus moved from %s to %s", addr, b.Addr())
	}
	connect()
}

func TestBusActivates(t *testing.T) {
	dir := t.TempDir()
	started := filepath.Join(dir, "started")
	service := "[D-BUS Service]\nName=org.example.Test\nExec=/bin/sh -c 'touch \"$0\"; exit 1' " + started + "\n"
	if err := os.WriteFile(filepath.Join(dir, "org.example.Test.service"), []byte(service), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := dbus.Connect(NewBus(t, dir).Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// The program fails before it takes the name, which the bus tells at once.
	if err := c.Object("org.example.Test", "/").Call("org.example.Test.Wake", 0).Err; err == nil {
		t.Error("an answer from a program that cannot give one")
	}
	if _, err := os.Stat(started); err != nil {
		t.Errorf("the program was not started: %v", err)
	}
}
