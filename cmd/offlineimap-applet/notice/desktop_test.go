package notice

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// person is a Desktop and what its user pressed.
type person struct {
	*Desktop
	t       *testing.T
	signals chan *dbus.Signal
	pressed []Invoked
}

func desktop(t *testing.T, addr string) *person {
	t.Helper()
	conn, err := dbus.Connect(addr, dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	p := &person{t: t, signals: make(chan *dbus.Signal, 16)}
	conn.Signal(p.signals)
	p.Desktop, err = New(t.Context(), Options{Conn: conn, App: "App", Icon: "icon", Entry: "org.example.App",
		Failed: func(err error) { t.Errorf("the server fails: %v", err) }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// until handles signals and flushes until done says so.
func (p *person) until(what string, done func() bool) {
	p.t.Helper()
	for limit := time.After(20 * time.Second); ; {
		p.Flush(p.t.Context())
		if done() {
			return
		}
		select {
		case sig := <-p.signals:
			if i, ok := p.Signal(sig); ok {
				p.pressed = append(p.pressed, i)
			}
		case <-time.After(10 * time.Millisecond):
		case <-limit:
			p.t.Fatalf("never: %s", what)
		}
	}
}

func TestDesktop(t *testing.T) {
	addr := testenv.Bus(t)
	s := testenv.Notifications(t, addr, "actions", "body-markup")
	p := desktop(t, addr)
	note := Note{Key: "a", Summary: "A <b> & c", Body: "<i>body</i> & more", Urgency: Critical, Stay: true, Category: "email.arrived", Resident: true,
		Actions: []Action{{DefaultAction, "Open"}, {"do", "Do"}}, Instead: "never seen"}
	p.Show([]Note{note})
	p.until("the note is shown", func() bool { return len(s.Shown()) == 1 })
	want := testenv.Notification{ID: 1, App: "App", Icon: "icon", Summary: "A <b> & c", Body: "&lt;i&gt;body&lt;/i&gt; &amp; more",
		Actions: []string{"default", "Open", "do", "Do"}, Expire: 0,
		Hints: map[string]any{"urgency": byte(2), "category": "email.arrived", "desktop-entry": "org.example.App", "resident": true}}
	if got := s.Shown()[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("shown:\n%+v\nwant:\n%+v", got, want)
	}

	s.Invoke(1, "do", "token-1")
	s.Invoke(1, "default", "")
	p.until("both buttons are heard", func() bool { return len(p.pressed) == 2 })
	if !reflect.DeepEqual(p.pressed, []Invoked{{"a", "do", "token-1"}, {"a", "default", ""}}) {
		t.Errorf("pressed: %+v", p.pressed)
	}

	s.Stop()
	p.until("the server is gone", func() bool { return p.owner == "" })
	s.Start()
	p.until("the note is shown again", func() bool { return len(s.Shown()) >= 1 && s.Shown()[0].Summary == note.Summary })

	p.Close(t.Context())
	s.None()
}

// TestPlainServer has a server that knows neither markup nor buttons.
func TestPlainServer(t *testing.T) {
	addr := testenv.Bus(t)
	p := desktop(t, addr) // before there is any server
	p.Show([]Note{{Key: "a", Summary: "s", Body: "<b>", Urgency: Normal, Actions: []Action{{"do", "Do"}}, Instead: "run this"}})
	p.Flush(t.Context())
	s := testenv.Notifications(t, addr)
	p.until("the note is shown", func() bool { return len(s.Shown()) == 1 })
	if n := s.Shown()[0]; n.Body != "<b>\nrun this" || len(n.Actions) != 0 || n.Expire != -1 {
		t.Errorf("shown: %+v", n)
	}
}

// TestWake has the bus start a server that is only installed.
func TestWake(t *testing.T) {
	dir := t.TempDir()
	started := filepath.Join(dir, "started")
	service := "[D-BUS Service]\nName=" + busName + "\nExec=/usr/bin/touch " + started + "\n"
	if err := os.WriteFile(filepath.Join(dir, "n.service"), []byte(service), 0o644); err != nil {
		t.Fatal(err)
	}
	p := desktop(t, testenv.NewBus(t, dir).Addr())
	p.until("nothing happens", func() bool { return true })
	if _, err := os.Stat(started); err == nil {
		t.Fatal("a server was started for nothing")
	}
	p.Show([]Note{{Key: "a"}})
	p.until("the server is started", func() bool { _, err := os.Stat(started); return err == nil })
}
