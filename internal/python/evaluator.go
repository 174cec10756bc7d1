package python

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/offlineimap/offlineimapd/internal/pyexpr"
)

const (
	fallbackLimit = time.Minute
	// After so many deaths in a row, or one exception of the file's, a further child
	// is started only after a pause.
	mostFailures = 3
	pause        = 2 * time.Second
)

// ErrNoPython is within errors of expressions that need Python where there is
// none.
var ErrNoPython = errors.New("python3 is not installed")

var errClosed = errors.New("the program ends")

// Options say how to evaluate.
type Options struct {
	// File is the user's file of helpers, as an absolute path, or "". It is run
	// once in the life of a child, with the user's rights.
	File string
	// Interpreter is looked up in PATH; "" is python3.
	Interpreter string
	// Limit is for the file, for an expression and for each call; 0 is a minute,
	// for a helper may well ask a person for the password of a key.
	Limit time.Duration
	// Log takes lines that the child prints on standard error, or is nil. It must
	// not wait.
	Log func(string)
	// InProcess evaluates without Python; nil: nothing can be. It does not know
	// what is in File.
	InProcess func(ctx context.Context, src string) (any, error)
}

// Evaluator evaluates expressions, for any number of goroutines. The child
// answers one at a time.
type Evaluator struct {
	o      Options
	ctx    context.Context // ends with Close
	cancel context.CancelCauseFunc
	turn   chan struct{} // whoever has put something in may use what follows

	host     *host // nil: none runs
	failures int   // deaths in a row
	last     error // of the last one
	unread   bool  // it was the file that raised an exception
	again    time.Time
}

// New makes an Evaluator; it starts nothing yet.
func New(o Options) *Evaluator {
	if o.Interpreter == "" {
		o.Interpreter = "python3"
	}
	if o.Limit <= 0 {
		o.Limit = fallbackLimit
	}
	if o.InProcess == nil {
		why := pyexpr.ErrUnsupported
		if o.File != "" {
			why = fmt.Errorf("%s may give any name a meaning: %w", o.File, why)
		}
		o.InProcess = func(context.Context, string) (any, error) { return nil, why }
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	return &Evaluator{o: o, ctx: ctx, cancel: cancel, turn: make(chan struct{}, 1)}
}

// Close ends a request under way, and the child. What can be evaluated in the
// process still can be afterwards.
func (e *Evaluator) Close() {
	e.cancel(errClosed)
	e.turn <- struct{}{} // free soon: every request ends with ctx
	defer func() { <-e.turn }()
	e.drop()
}

// Rest ends the child once it has nothing to do. Should something be asked of it
// after all, another is started.
func (e *Evaluator) Rest() {
	select {
	case e.turn <- struct{}{}:
		e.drop()
		<-e.turn
	case <-e.ctx.Done():
	}
}

// Eval gives the value of an expression, as a value of pyexpr's; an exception is
// a *pyexpr.Error. What is neither a number, a text nor a container is only
// true or false.
//
// Only what the process does not know itself goes to the child. Where InProcess is
// set, the modules re and os and Python's built-ins are ours, whatever the user's
// file makes of these names, and the file is not read before an expression needs it.
//
// A Func goes on with the child for good once a call needs more than the process
// knows. It survives the child, by evaluating the expression anew.
func (e *Evaluator) Eval(ctx context.Context, src string) (any, error) {
	v, err := e.o.InProcess(ctx, src)
	if err == nil {
		if f, ok := v.(pyexpr.Func); ok {
			return &function{e: e, src: src, local: f}, nil
		}
		return v, nil
	}
	if !errors.Is(err, pyexpr.ErrUnsupported) {
		return nil, err
	}
	return e.request(ctx, question{Op: "eval", Src: src, why: err})
}

// request has the child answer a question about an expression.
func (e *Evaluator) request(ctx context.Context, q question) (any, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(e.ctx, func() { cancel(errClosed) })()
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", brief(q.Src), context.Cause(ctx))
	}
	a, err := e.answer(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", brief(q.Src), err)
	}
	if a.Kind != "" {
		return nil, e.raised(a)
	}
	var made func(int) any // a call gives no functions
	if q.Op == "eval" {
		made = func(n int) any { return &function{e: e, src: q.Src, n: n} }
	}
	return decode(a.Value, made)
}

func (e *Evaluator) raised(a reply) *pyexpr.Error {
	if a.Line > 0 {
		a.Text += fmt.Sprintf(" (%s, line %d)", e.o.File, a.Line)
	}
	return &pyexpr.Error{Kind: a.Kind, Text: a.Text}
}

// answer asks the child, or a new one where it had died before it went to work. A
// question that was begun is not put again: it may have had effects.
func (e *Evaluator) answer(ctx context.Context, q question) (reply, error) {
	for first := true; ; first = false {
		fresh, err := e.ready(ctx, q.why)
		if err != nil {
			return reply{}, err
		}
		a, begun, err := e.ask(ctx, q)
		if err == nil {
			e.failures = 0
			return a, nil
		}
		if errors.Is(err, errArguments) {
			return reply{}, err
		}
		if fresh || begun || !first || ctx.Err() != nil {
			return reply{}, e.failed(ctx, err)
		}
		e.drop()
	}
}

// ready sees to it that a child runs that has read the file; fresh is true where
// it had to be started.
func (e *Evaluator) ready(ctx context.Context, why error) (fresh bool, err error) {
	if e.host != nil && e.host.alive() {
		return false, nil
	}
	e.drop()
	for _, ctx := range []context.Context{e.ctx, ctx} {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
	}
	wait := time.Until(e.again)
	if e.unread && wait > 0 {
		return false, e.last // many expressions at once; and the file may have asked a person
	}
	if e.failures >= mostFailures && wait > 0 {
		return false, fmt.Errorf("python3 failed %d times in a row, and is not started for another %v; the last time: %w",
			e.failures, wait.Round(100*time.Millisecond), e.last)
	}
	path, err := exec.LookPath(e.o.Interpreter)
	if err != nil {
		return false, fmt.Errorf("%w (%w), and this cannot do without (%w): install python3, or write the expression in another way", ErrNoPython, err, why)
	}
	if e.host, err = startHost(path, e.o.Log); err != nil {
		return false, e.failed(ctx, err)
	}
	if e.o.File == "" {
		return true, nil
	}
	a, _, err := e.ask(ctx, question{Op: "load", File: e.o.File})
	e.unread = a.Kind != ""
	switch {
	case err != nil:
		err = fmt.Errorf("%s: %w", e.o.File, err)
	case a.Kind != "":
		at := e.o.File
		if a.Line > 0 {
			at += fmt.Sprintf(":%d", a.Line)
		}
		err = fmt.Errorf("%s: %w", at, &pyexpr.Error{Kind: a.Kind, Text: a.Text})
	default:
		return true, nil
	}
	return false, e.failed(ctx, err)
}

// ask puts a question to the child that runs, and waits for Limit at most.
func (e *Evaluator) ask(ctx context.Context, q question) (reply, bool, error) {
	// The driver's own limit is for the case that nobody is left to kill it.
	q.Limit = (e.o.Limit + 5*time.Second).Seconds()
	ctx, cancel := context.WithTimeoutCause(ctx, e.o.Limit,
		fmt.Errorf("it took longer than %v, and was ended with all that it had started", e.o.Limit))
	defer cancel()
	return e.host.ask(ctx, q)
}

// failed ends a child that did not do its work, and takes note of it unless it
// was the caller who had enough.
func (e *Evaluator) failed(ctx context.Context, err error) error {
	e.drop()
	if ctx.Err() == nil {
		e.failures++
		e.last = err
		e.again = time.Now().Add(pause)
	}
	return err
}

func (e *Evaluator) drop() {
	if e.host != nil {
		e.host.close()
		e.host = nil
	}
}
