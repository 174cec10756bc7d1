package wire

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	// tagLetter begins our tags.
	tagLetter   = 'A'
	writeBuffer = 64 << 10
	// blindWrite is what may be written without reading meanwhile: buffers of
	// the system take it even from a server that waits for us to read.
	blindWrite = 16 << 10
)

// flight is the commands that are being answered. It belongs to whoever reads;
// only issued is shared, with an Appender that goes on sending.
type flight struct {
	base     *Handler
	cmds     []*Command // may be fewer than results: an Appender's own have none
	first    int        // the number in the tag of the first
	issued   atomic.Int64
	results  []Result
	answered int
	oldest   int // all before it are answered
}

// open tells whether command n waits for its answer.
func (f *flight) open(n int) bool {
	for len(f.results) < int(f.issued.Load()) {
		f.results = append(f.results, Result{})
	}
	return n >= 0 && n < len(f.results) && f.results[n].Kind == ""
}

// complete tells whether all that was sent so far is answered.
func (f *flight) complete() bool { return f.answered == int(f.issued.Load()) }

func (f *flight) done(n int, r Result) {
	f.results[n] = r
	f.answered++
	for f.oldest < len(f.results) && f.results[f.oldest].Kind != "" {
		f.oldest++
	}
}

// handler returns where data goes now.
func (f *flight) handler() Handler {
	var own *Handler
	if f.oldest < len(f.cmds) {
		own = f.cmds[f.oldest].Handler
	}
	return own.over(f.base)
}

// byTag returns the own handler of the command with that tag.
func (f *flight) byTag(tag string) *Handler {
	if len(tag) < 2 || tag[0] != tagLetter {
		return nil
	}
	n, err := strconv.Atoi(tag[1:])
	if n -= f.first; err != nil || n < 0 || n >= len(f.cmds) {
		return nil
	}
	return f.cmds[n].Handler
}

// newFlight gives tags to commands.
func (c *Conn) newFlight(h *Handler, cmds []*Command) *flight {
	f := &flight{base: h, cmds: cmds, first: c.tag + 1, results: make([]Result, len(cmds))}
	f.issued.Store(int64(len(cmds)))
	c.tag += len(cmds)
	c.on = f.handler()
	return f
}

// Run sends all commands in one flight, waiting only where a literal needs
// the server's go-ahead, and reads until all are answered. Result[i] is the
// tagged answer to cmds[i]; a NO or BAD is no error of Run. An error says
// that a command cannot be written (nothing was sent then, and the connection
// is as before), that the context had ended before, or that the connection is
// closed: it failed, the context ended, or a handler returned an error, which
// is then the one returned.
func (c *Conn) Run(ctx context.Context, h *Handler, cmds ...*Command) ([]Result, error) {
	for _, k := range cmds {
		if k.err != nil {
			return nil, k.err
		}
	}
	if len(cmds) == 0 {
		return nil, nil
	}
	leave, err := c.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	f := c.newFlight(h, cmds)
	if err := c.fly(f, c.encode(f)); err != nil {
		return nil, c.fail(err)
	}
	return f.results, nil
}

// fly sends a flight and reads until it is answered.
func (c *Conn) fly(f *flight, out encoded) error {
	w := &writing{c: c}
	start := 0
	for _, k := range out.cuts {
		if k.at < start {
			continue // of a command that was refused at an earlier literal
		}
		if err := w.send(f, out.text[start:k.at]); err != nil {
			return err
		}
		goAhead, err := c.await(f, k.cmd)
		if err != nil {
			return w.failed(f, err)
		}
		if start = k.at; !goAhead {
			start = k.end
		}
	}
	if start < len(out.text) {
		if err := w.send(f, out.text[start:]); err != nil {
			return err
		}
	}
	for !f.complete() {
		if _, _, err := c.respond(f); err != nil {
			return w.failed(f, err)
		}
	}
	return w.wait(f)
}

// await reads until the server lets command n go on (RFC 9051, section 4.3), or
// answers it.
func (c *Conn) await(f *flight, n int) (goAhead bool, err error) {
	for f.open(n) {
		ev, _, err := c.respond(f)
		if err != nil {
			return false, err
		}
		if ev == evContinue {
			return true, nil
		}
	}
	return false, nil
}

// writing sends what is too much for blindWrite in a goroutine, while the
// caller reads: a server that cannot get rid of its answers stops reading.
type writing struct {
	c    *Conn
	over chan error // nil: nothing is under way
}

func (w *writing) send(f *flight, p []byte) error {
	if err := w.wait(f); err != nil {
		return err
	}
	w.c.flights.Add(1)
	if len(p) <= blindWrite {
		if err := w.c.write(p); err != nil {
			return w.c.lastWords(f, err)
		}
		return nil
	}
	over := make(chan error, 1)
	w.over = over
	go func() {
		err := w.c.write(p)
		if err != nil {
			w.c.link.hurry() // the reader shall find out
		}
		over <- err
	}()
	return nil
}

// wait waits for what is under way.
func (w *writing) wait(f *flight) error {
	if w.over == nil {
		return nil
	}
	err := <-w.over
	w.over = nil
	if err != nil {
		return w.c.lastWords(f, err)
	}
	return nil
}

// failed ends a writer after the reader met err, and returns the error to report.
func (w *writing) failed(f *flight, err error) error {
	if w.over == nil {
		return err
	}
	select {
	case e := <-w.over: // it failed first, and the reader met the consequence
		if e != nil && isTimeout(err) {
			err = e
		}
	default:
		err = w.c.fail(err) // closes the connection, which ends the writer
		<-w.over
	}
	w.over = nil
	return err
}

// write sends p now.
func (c *Conn) write(p []byte) error {
	if c.fw != nil {
		if _, err := c.fw.Write(p); err != nil {
			return err
		}
	} else if _, err := c.bw.Write(p); err != nil {
		return err
	}
	return c.flush()
}

func (c *Conn) flush() error {
	if c.fw != nil {
		if err := c.fw.Flush(); err != nil {
			return err
		}
	}
	return c.bw.Flush()
}

// lastWords reads what a server that takes nothing any more had to say: its BYE
// is what people need. It returns the error to report.
func (c *Conn) lastWords(f *flight, err error) error {
	c.link.hurry()
	for until := time.Now().Add(2 * time.Second); c.bye == "" && time.Now().Before(until); {
		if _, _, e := c.respond(f); e != nil {
			if h, ok := isHandler(e); ok {
				return h
			}
			break
		}
	}
	return err
}
