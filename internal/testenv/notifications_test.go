package testenv

import (
	"slices"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// TestNotifications is what a client sees of the server.
func TestNotifications(t *testing.T) {
	addr := Bus(t)
	s := Notifications(t, addr, "actions")
	c, err := dbus.Connect(addr, dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	signals := make(chan *dbus.Signal, 10)
	c.Signal(signals)
	if err := c.AddMatchSignal(dbus.WithMatchInterface(notifyName)); err != nil {
		t.Fatal(err)
	}
	o := c.Object(notifyName, notifyPath)
	notify := func(replaces uint32, summary string) (id uint32) {
		t.Helper()
		hints := map[string]dbus.Variant{"urgency": dbus.MakeVariant(byte(2))}
		err := o.Call(notifyName+".Notify", 0, "app", replaces, "icon", summary, "body", []string{"default", "Open"}, hints, int32(-1)).Store(&id)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	heard := func(member string, body ...any) {
		t.Helper()
		select {
		case sig := <-signals:
			if sig.Sender == "org.freedesktop.DBus" {
				sig = <-signals // our own name was given to us first of all
			}
			if sig.Name != notifyName+"."+member || !slices.Equal(sig.Body, body) {
				t.Fatalf("heard %s %v, not %s %v", sig.Name, sig.Body, member, body)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no %s", member)
		}
	}

	var caps []string
	if err := o.Call(notifyName+".GetCapabilities", 0).Store(&caps); err != nil || !slices.Equal(caps, []string{"body", "actions"}) {
		t.Errorf("capabilities %q, %v", caps, err)
	}
	a, b := notify(0, "first"), notify(0, "second")
	if again := notify(a, "first again"); again != a || a == b {
		t.Errorf("IDs %d, %d; replaced as %d", a, b, again)
	}
	if n := s.One("first again", "body"); n.ID != a || n.Updates != 1 || n.Hints["urgency"] != byte(2) || n.Actions[1] != "Open" {
		t.Errorf("shown: %+v", n)
	}
	s.Invoke(b, "default", "token")
	heard("ActivationToken", b, "token")
	heard("ActionInvoked", b, "default")
	heard("NotificationClosed", b, uint32(2))
	if err := o.Call(notifyName+".CloseNotification", 0, a).Err; err != nil {
		t.Error(err)
	}
	heard("NotificationClosed", a, uint32(3))
	if err := o.Call(notifyName+".CloseNotification", 0, a).Err; err == nil {
		t.Error("closed twice")
	}
	s.None()
	if id := notify(a, "gone"); id == a {
		t.Error("what is not shown was replaced")
	}
	if n := len(s.Calls()); n != 6 {
		t.Errorf("%d calls were recorded, not 6", n)
	}
	s.Stop()
	if err := o.Call(notifyName+".GetCapabilities", dbus.FlagNoAutoStart).Err; err == nil {
		t.Error("a server that was stopped answers")
	}
	s.Start()
	if id := notify(0, "new life"); id != 1 {
		t.Errorf("the first ID of a new life is %d", id)
	}
	s.Refuse("too many")
	if err := o.Call(notifyName+".Notify", 0, "app", uint32(0), "", "", "", []string{}, map[string]dbus.Variant{}, int32(0)).Err; err == nil {
		t.Error("nothing was refused")
	}
}
