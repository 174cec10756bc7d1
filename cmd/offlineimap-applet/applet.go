package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/cmd/offlineimap-applet/notice"
	"github.com/offlineimap/offlineimapd/cmd/offlineimap-applet/prompt"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

// appletName is owned on the session bus, so that there is one applet a session;
// it is that of the desktop file, too.
const appletName = "org.offlineimap.applet"

var errTwice = errors.New("another offlineimap-applet runs in this session")

// Times.
const (
	settle   = 100 * time.Millisecond // events of one cause come together
	interval = time.Second            // between two questions to the daemon how everything is
	patience = 5 * time.Second        // for its answer, and until the next try
	// absence is how long the daemon may be away before what needs it is
	// withdrawn; a restart after a crash takes 15 s.
	absence = 20 * time.Second
	// farewell is how long the end may take; a prompt that does not end when it is
	// told to is killed after 2 s.
	farewell = 3 * time.Second
)

// applet is what one goroutine owns.
type applet struct {
	log      *logger
	lookPath func(string) (string, error)
	mailer   []string
	canAsk   func() bool

	client  *client.Client
	agent   *client.Registration
	asker   *asker
	desktop *notice.Desktop
	news    *news

	posted chan func() // by goroutines in aside, to be run by the owner
	aside  sync.WaitGroup

	here    bool                // the daemon is on the bus
	stale   bool                // something changed since it was last asked
	ask     time.Time           // when to ask it; zero: not before something changes
	asked   time.Time           // when it was
	mute    bool                // it did not answer when it was last asked
	left    time.Time           // when to withdraw what needs it; zero: not at all
	wait    map[string][]string // keys of notes a button of which was pressed, by account, until its run is over
	reopens []string            // of these, after the next answer
}

// attend shows what there is to show until ctx ends or the bus goes away. The
// error is client.ErrNoBus or errTwice.
func attend(ctx context.Context, o options, s surroundings, log *logger) error {
	address, err := client.Address(s.getenv)
	if err != nil {
		return err
	}
	c, err := client.ConnectTo(ctx, address)
	if err != nil {
		return err
	}
	defer c.Close()
	conn, err := connect(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	switch reply, err := conn.RequestName(appletName, dbus.NameFlagDoNotQueue); {
	case err != nil:
		return fmt.Errorf("%w: %w", client.ErrNoBus, err)
	case reply != dbus.RequestNameReplyPrimaryOwner:
		return errTwice
	}
	signals := make(chan *dbus.Signal, 64)
	conn.Signal(signals)
	desktop, err := notice.New(ctx, notice.Options{Conn: conn, App: "offlineimapd", Icon: "mail-unread", Entry: appletName,
		Failed: func(err error) { log.errorf("%v", err) }})
	if err != nil {
		return err
	}
	sub, err := c.Subscribe(ctx)
	if err != nil {
		return err
	}
	defer sub.Close()
	a := &applet{
		log: log, lookPath: s.lookPath, mailer: o.mailer,
		canAsk: func() bool { return prompt.Available(s.prompt()) },
		client: c, asker: newAsker(s.prompt(), log), desktop: desktop, news: newNews(),
		posted: make(chan func()), wait: map[string][]string{},
	}
	if a.agent, err = c.ExportAgent(agentPath, a.asker); err != nil {
		return err
	}
	if a.here, err = c.Running(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer a.end(cancel)
	if a.here {
		a.came(ctx)
	} else {
		log.noticef("offlineimapd is not running; waiting for it")
	}
	return a.run(ctx, sub, signals)
}

// connect makes the connection for notifications. It outlives ctx, so that they
// can be withdrawn.
func connect(ctx context.Context, address string) (*dbus.Conn, error) {
	life, end := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, end)
	conn, err := dbus.Connect(address, dbus.WithContext(life), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if !stop() && err == nil {
		conn.Close()
		err = context.Cause(ctx)
	}
	if err != nil {
		end()
		return nil, fmt.Errorf("%w: %w", client.ErrNoBus, err)
	}
	return conn, nil
}

func (a *applet) run(ctx context.Context, sub *client.Subscription, signals <-chan *dbus.Signal) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case sig, ok := <-signals:
			if !ok {
				return fmt.Errorf("%w any more", client.ErrNoBus)
			}
			if i, ok := a.desktop.Signal(sig); ok {
				a.act(ctx, i)
			}
		case e, ok := <-sub.C():
			if !ok {
				return fmt.Errorf("%w any more", client.ErrNoBus)
			}
			a.event(ctx, e)
		case f := <-a.posted:
			f()
		case <-a.asker.changed:
		case <-timer.C:
		}
		if next := a.step(ctx, time.Now()); next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(next))
		}
	}
}

// step does what is due, and returns when there is more to do.
func (a *applet) step(ctx context.Context, now time.Time) (next time.Time) {
	if a.stale && a.ask.IsZero() {
		a.ask = now.Add(settle)
		if t := a.asked.Add(interval); t.After(a.ask) {
			a.ask = t
		}
	}
	if !a.ask.IsZero() && !a.ask.After(now) {
		a.describe(ctx, now)
	}
	if !a.left.IsZero() && !a.left.After(now) {
		a.left = time.Time{}
		a.news.absent()
	}
	notes, next := a.news.notes(now, a.asker.asks)
	a.desktop.Show(notes)
	for _, t := range []time.Time{a.desktop.Flush(ctx), a.ask, a.left} {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return next
}

// describe asks the daemon how everything is.
func (a *applet) describe(ctx context.Context, now time.Time) {
	a.ask, a.asked, a.stale = time.Time{}, now, false
	if !a.here {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	doc, err := a.client.Describe(ctx)
	switch {
	case errors.Is(err, client.ErrNotRunning), errors.Is(err, client.ErrGone), errors.Is(err, client.ErrNoBus):
		return // which an event tells, too
	case err != nil:
		if !a.mute && !errors.Is(err, context.Canceled) {
			a.log.errorf("ask the daemon how everything is: %v", err)
		}
		a.mute, a.ask = true, time.Now().Add(patience)
		return
	}
	a.mute = false
	a.news.canAsk, a.news.canOpen = a.canAsk(), len(a.mailer) > 0
	a.news.update(doc)
	for _, key := range a.reopens {
		a.desktop.Reopen(key)
	}
	a.reopens = nil
}

// event takes a word of the daemon.
func (a *applet) event(ctx context.Context, e client.Event) {
	switch e := e.(type) {
	case client.Came:
		a.came(ctx)
	case client.Went:
		a.here, a.left = false, time.Now().Add(absence)
		a.asker.drop()
		for account := range a.wait {
			a.over(account)
		}
	case client.NewMail:
		a.news.newMail(e.Account, e.Folder, int(e.Count))
		a.stale = true
	case client.JobRemoved:
		a.over(e.Account)
		a.stale = true
	case client.ProblemRaised, client.ProblemCleared:
		a.stale = true
	case client.Reloading:
		a.stale = a.stale || !e.Active
	case client.ManagerChanged:
		a.changed(e.Changed, "NAccounts", "NProblems")
	case client.AccountChanged:
		a.changed(e.Changed, "Fresh", "State", "LastResult", "HaltToken", "Enabled", "Paused")
	}
}

// changed looks for properties that make a difference here.
func (a *applet) changed(p client.Properties, names ...string) {
	for _, name := range names {
		if _, ok := p[name]; ok {
			a.stale = true
		}
	}
}

// came registers the agent with a daemon that is new, and asks how everything is.
func (a *applet) came(ctx context.Context) {
	a.here, a.stale, a.left = true, true, time.Time{}
	a.call(ctx, func(ctx context.Context) (after func()) {
		err := a.agent.Register(ctx)
		return func() {
			if err != nil && !errors.Is(err, client.ErrNotRunning) && !errors.Is(err, client.ErrGone) {
				a.log.errorf("offer to ask for passwords: %v", err)
			}
		}
	})
}

// over says that a run of an account has ended: what a button was pressed for has
// come about by now, or is to be shown again.
func (a *applet) over(account string) {
	a.reopens = append(a.reopens, a.wait[account]...)
	delete(a.wait, account)
}

// end withdraws everything. The context that aside works with ends first.
func (a *applet) end(cancel func()) {
	cancel()
	a.agent.Close()
	a.asker.drop()
	ctx, done := context.WithTimeout(context.Background(), farewell)
	defer done()
	if a.here {
		_ = a.agent.Unregister(ctx)
	}
	a.desktop.Close(ctx)
	a.asker.finish(ctx)
	a.aside.Wait()
}
