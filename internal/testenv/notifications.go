package testenv

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	notifyName = "org.freedesktop.Notifications"
	notifyPath = dbus.ObjectPath("/org/freedesktop/Notifications")
)

// Notification is one notification as it was last asked for.
type Notification struct {
	ID            uint32
	App, Icon     string
	Summary, Body string
	Actions       []string // key, label, key, label, ...
	Hints         map[string]any
	Expire        int32 // milliseconds; -1: as the server likes, 0: never
	Updates       int   // how often it was replaced
}

// NotificationCall is one call that changed something.
type NotificationCall struct {
	Time     time.Time
	Closed   uint32        // of CloseNotification; else 0
	Replaces uint32        // as it was given to Notify
	Shown    *Notification // what Notify made; nil for CloseNotification
}

// NotificationServer is an org.freedesktop.Notifications of a test's own, whose
// person is the test.
type NotificationServer struct {
	t    T
	bus  string
	caps []string

	mu     sync.Mutex
	conn   *dbus.Conn
	last   uint32
	shown  map[uint32]Notification
	calls  []NotificationCall
	refuse string        // the answer to Notify; "": none
	news   chan struct{} // closed at each change
}

// Notifications starts a notification server on the bus at that address, with
// these capabilities ("actions", "body-markup", ...) and "body". It ends with
// the test.
func Notifications(t T, bus string, capabilities ...string) *NotificationServer {
	t.Helper()
	s := &NotificationServer{t: t, bus: bus, caps: append([]string{"body"}, capabilities...), news: make(chan struct{})}
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// Start starts a server that was stopped. It shows nothing, and counts from 1.
func (s *NotificationServer) Start() {
	s.t.Helper()
	conn, err := dbus.Connect(s.bus)
	if err != nil {
		s.t.Fatalf("connect the notification server to its bus: %v", err)
	}
	s.mu.Lock()
	s.conn, s.shown, s.last = conn, map[uint32]Notification{}, 0
	s.mu.Unlock()
	if err = conn.Export(notifications{s, conn}, notifyPath, notifyName); err != nil {
		s.t.Fatalf("export the notification server: %v", err)
	}
	reply, err := conn.RequestName(notifyName, dbus.NameFlagDoNotQueue)
	if err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		s.t.Fatalf("own %s: %v, %v", notifyName, reply, err)
	}
}

// Stop ends the server as a crash does: without a word, and nothing is shown.
func (s *NotificationServer) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		s.conn.Close()
	}
	s.conn, s.shown = nil, nil
	s.changed()
}

// Refuse has every further Notify answered with an error of this text; "" ends it.
func (s *NotificationServer) Refuse(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = text
}

// Shown returns what a person sees, the oldest first.
func (s *NotificationServer) Shown() []Notification {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list()
}

// Calls returns every call that changed something since the test began.
func (s *NotificationServer) Calls() []NotificationCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Wait returns what is shown as soon as it is as wanted, and fails the test
// after some time.
func (s *NotificationServer) Wait(what string, wanted func([]Notification) bool) []Notification {
	s.t.Helper()
	for limit := time.After(20 * time.Second); ; {
		s.mu.Lock()
		list, news := s.list(), s.news
		s.mu.Unlock()
		if wanted(list) {
			return list
		}
		select {
		case <-news:
		case <-limit:
			s.t.Fatalf("in 20 s there was never %s, but:\n%s", what, describe(list))
			return nil
		}
	}
}

// One waits until exactly one notification is shown that has all these words
// in its summary and body, and returns it.
func (s *NotificationServer) One(words ...string) Notification {
	s.t.Helper()
	var one Notification
	s.Wait(fmt.Sprintf("one notification with %q", words), func(list []Notification) bool {
		n := 0
		for _, each := range list {
			text := each.Summary + "\n" + each.Body
			if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) }) {
				one = each
				n++
			}
		}
		return n == 1
	})
	return one
}

// None waits until nothing is shown.
func (s *NotificationServer) None() {
	s.t.Helper()
	s.Wait("nothing", func(list []Notification) bool { return len(list) == 0 })
}

// Invoke presses the button of an action. A token, if not "", is told first, as
// servers on Wayland do. The notification vanishes unless it is resident.
func (s *NotificationServer) Invoke(id uint32, action, token string) {
	s.t.Helper()
	if token != "" {
		s.emit("ActivationToken", id, token)
	}
	s.emit("ActionInvoked", id, action)
	s.mu.Lock()
	n, ok := s.shown[id] // the client may have closed it by now
	resident, _ := n.Hints["resident"].(bool)
	s.mu.Unlock()
	if ok && !resident {
		s.end(id, 2)
	}
}

// Dismiss closes a notification as its reader does.
func (s *NotificationServer) Dismiss(id uint32) { s.t.Helper(); s.mustEnd(id, 2) }

// Expire closes a notification because it has been shown for long enough.
func (s *NotificationServer) Expire(id uint32) { s.t.Helper(); s.mustEnd(id, 1) }

func (s *NotificationServer) mustEnd(id, reason uint32) {
	s.t.Helper()
	if !s.end(id, reason) {
		s.t.Errorf("notification %d is not shown, and cannot be closed", id)
	}
}

func (s *NotificationServer) end(id, reason uint32) bool {
	s.t.Helper()
	s.mu.Lock()
	_, ok := s.shown[id]
	delete(s.shown, id)
	s.changed()
	s.mu.Unlock()
	if ok {
		s.emit("NotificationClosed", id, reason)
	}
	return ok
}

func (s *NotificationServer) emit(signal string, args ...any) {
	s.t.Helper()
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn == nil {
		s.t.Fatalf("%s of a notification server that was stopped", signal)
	}
	if err := conn.Emit(notifyPath, notifyName+"."+signal, args...); err != nil {
		s.t.Fatalf("emit %s: %v", signal, err)
	}
}

// list and changed are called with mu held.
func (s *NotificationServer) list() []Notification {
	list := make([]Notification, 0, len(s.shown))
	for _, id := range slices.Sorted(maps.Keys(s.shown)) {
		list = append(list, s.shown[id])
	}
	return list
}

func (s *NotificationServer) changed() {
	close(s.news)
	s.news = make(chan struct{})
}

func describe(list []Notification) string {
	if len(list) == 0 {
		return "  (nothing is shown)"
	}
	var b strings.Builder
	for _, n := range list {
		fmt.Fprintf(&b, "  %d: %q %q %q\n", n.ID, n.Summary, n.Body, n.Actions)
	}
	return b.String()
}

// notifications are the methods on the bus, of one life of the server.
type notifications struct {
	s    *NotificationServer
	conn *dbus.Conn
}

func (n notifications) GetCapabilities() ([]string, *dbus.Error) { return n.s.caps, nil }

func (n notifications) GetServerInformation() (name, vendor, version, spec string, _ *dbus.Error) {
	return "testenv", "offlineimap", "1", "1.2", nil
}

// Notify keeps the ID of what it replaces only while that is shown: the
// specification leaves open what else could happen.
func (n notifications) Notify(app string, replaces uint32, icon, summary, body string, actions []string,
	hints map[string]dbus.Variant, expire int32) (uint32, *dbus.Error) {
	s := n.s
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.conn != n.conn:
		return 0, dbus.NewError("org.freedesktop.DBus.Error.Failed", []any{"stopped"})
	case s.refuse != "":
		return 0, dbus.NewError("org.freedesktop.Notifications.Error.ExcessNotificationGeneration", []any{s.refuse})
	}
	id, updates := replaces, 0
	if old, ok := s.shown[replaces]; ok {
		updates = old.Updates + 1
	} else {
		s.last++
		id = s.last
	}
	plain := map[string]any{}
	for k, v := range hints {
		plain[k] = v.Value()
	}
	shown := Notification{ID: id, App: app, Icon: icon, Summary: summary, Body: body, Actions: actions,
		Hints: plain, Expire: expire, Updates: updates}
	s.shown[id] = shown
	s.calls = append(s.calls, NotificationCall{Time: time.Now(), Replaces: replaces, Shown: &shown})
	s.changed()
	return id, nil
}

func (n notifications) CloseNotification(id uint32) *dbus.Error {
	s := n.s
	s.mu.Lock()
	_, ok := s.shown[id]
	delete(s.shown, id)
	s.calls = append(s.calls, NotificationCall{Time: time.Now(), Closed: id})
	s.changed()
	s.mu.Unlock()
	if !ok {
		return dbus.NewError("org.freedesktop.DBus.Error.InvalidArgs", []any{"there is no such notification"})
	}
	_ = n.conn.Emit(notifyPath, notifyName+".NotificationClosed", id, uint32(3))
	return nil
}
