package notice

import (
	"reflect"
	"time"
)

// Urgency is how much a note is to disturb.
type Urgency byte

// The urgencies, as on the bus.
const (
	Normal   Urgency = 1
	Critical Urgency = 2
)

// DefaultAction is the key of what a click on the note itself does.
const DefaultAction = "default"

// Note is what a person should see. Its texts are plain.
type Note struct {
	Key      string // there is one notification a key
	Summary  string
	Body     string
	Urgency  Urgency
	Category string // of the specification, such as email.arrived; may be ""
	Actions  []Action
	Instead  string // more text, where the server has no actions
	Stay     bool   // until it is closed or withdrawn; else for as long as the server likes
	Resident bool   // an action does not close it
	// Level says when a note that was closed is shown again: once it is higher
	// than it was. A note that changes and does not rise makes no sound.
	Level int
}

// Action is a button.
type Action struct{ Key, Label string }

// Invoked is a button that was pressed.
type Invoked struct {
	Key    string // of the Note
	Action string // of the Action
	Token  string // for the program that is started now, to get the focus; may be ""
}

// interval is the least time between two updates of one notification.
const interval = time.Second

// patience is how long to wait after an error of the server.
const patience = 5 * time.Second

// entry is what is known of one key.
type entry struct {
	want    Note
	gone    bool // not wanted any more
	shown   bool
	id      uint32 // while shown
	sent    Note   // what is shown
	last    time.Time
	closed  bool // by the person, or the server: leave it so
	pressed bool // since it was last sent, a button was
	again   time.Time
}

// due tells whether the server has to hear something.
func (e *entry) due() bool {
	if e.gone {
		return e.shown
	}
	return !e.closed && (!e.shown || !reflect.DeepEqual(e.want, e.sent))
}

// rises tells whether what is to be sent is more than what was.
func (e *entry) rises() bool { return !e.shown || e.want.Level > e.sent.Level }
