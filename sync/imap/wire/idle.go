package wire

import (
	"context"
	"fmt"
	"time"
)

// Idle runs IDLE (RFC 2177) until wake can be read or is closed, d has
// passed (where it is not 0), or the server ends it; handlers run meanwhile. Then
// the connection is ready for the next command. The end of the context closes
// the connection.
func (c *Conn) Idle(ctx context.Context, h *Handler, d time.Duration, wake <-chan struct{}) error {
	leave, err := c.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	f := c.newFlight(h, []*Command{newCommand(text("IDLE"))})
	c.flights.Add(1)
	if err := c.write(c.encode(f).text); err != nil {
		return c.fail(c.lastWords(f, err))
	}
	goAhead, err := c.await(f, 0)
	if err != nil {
		return c.fail(err)
	}
	if goAhead {
		if err := c.idle(f, d, wake); err != nil {
			return err
		}
	}
	if err := f.results[0].Err(); err != nil {
		return fmt.Errorf("idle: %w", err)
	}
	return nil
}

// idle reads until the server ends the command. DONE is written by another
// goroutine: a read cannot be interrupted, because above compress/flate its error
// would be the last.
func (c *Conn) idle(f *flight, d time.Duration, wake <-chan struct{}) error {
	c.link.setPatient(true)
	defer c.link.setPatient(false)
	over, written := make(chan struct{}), make(chan error, 1)
	go func() {
		var elapsed <-chan time.Time
		if d > 0 {
			t := time.NewTimer(d)
			defer t.Stop()
			elapsed = t.C
		}
		select {
		case <-elapsed:
		case <-wake:
		case <-over:
			written <- nil
			return
		}
		c.sent("DONE")
		c.flights.Add(1)
		err := c.write([]byte("DONE\r\n"))
		if err != nil {
			c.link.hurry()
		} else {
			c.link.setPatient(false) // from now on an answer is due
		}
		written <- err
	}()
	var err error
	for !f.complete() && err == nil {
		_, _, err = c.respond(f)
	}
	if err != nil {
		err = c.fail(err)
	}
	close(over)
	if e := <-written; e != nil && err == nil {
		err = c.fail(e)
	}
	return err
}
