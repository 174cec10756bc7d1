package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/godbus/dbus/v5"
)

// ErrNameTaken says that somebody else owns a name.
var ErrNameTaken = errors.New("somebody else owns the name")

// RequestName takes a name, neither from another owner nor in a queue.
func (c *Conn) RequestName(ctx context.Context, name string) error {
	body, err := c.Call(ctx, driver, driverPath, driver, "RequestName", name, uint32(dbus.NameFlagDoNotQueue))
	if err != nil {
		return fmt.Errorf("request the name %s: %w", name, err)
	}
	if len(body) != 1 {
		return fmt.Errorf("request the name %s: no answer in the answer", name)
	}
	switch reply, _ := body[0].(uint32); dbus.RequestNameReply(reply) {
	case dbus.RequestNameReplyPrimaryOwner, dbus.RequestNameReplyAlreadyOwner:
		return nil
	}
	return ErrNameTaken
}

// ReleaseName gives a name back.
func (c *Conn) ReleaseName(ctx context.Context, name string) error {
	_, err := c.Call(ctx, driver, driverPath, driver, "ReleaseName", name)
	return err
}

// HasOwner tells whether somebody on the bus has that name.
func (c *Conn) HasOwner(ctx context.Context, name string) (bool, error) {
	body, err := c.Call(ctx, driver, driverPath, driver, "NameHasOwner", name)
	if err != nil || len(body) != 1 {
		return false, err
	}
	has, _ := body[0].(bool)
	return has, nil
}

// Watch has the bus signal when name gets another owner. Each Watch needs its
// Unwatch.
func (c *Conn) Watch(ctx context.Context, name string) error {
	_, err := c.Call(ctx, driver, driverPath, driver, "AddMatch", ownerRule(name))
	return err
}

// Unwatch takes back one Watch, without waiting for an answer.
func (c *Conn) Unwatch(name string) {
	_ = c.Tell(driver, driverPath, driver, "RemoveMatch", ownerRule(name))
}

func ownerRule(name string) string {
	return "type='signal',sender='" + driver + "',interface='" + driver + "',member='NameOwnerChanged',arg0='" + name + "'"
}

// Left returns the name that s says has no owner any more, or "".
func (s *Signal) Left() string {
	if s.Sender != driver || s.Interface != driver || s.Member != "NameOwnerChanged" || len(s.Body) != 3 {
		return ""
	}
	name, _ := s.Body[0].(string)
	if owner, ok := s.Body[2].(string); !ok || owner != "" {
		return ""
	}
	return name
}
