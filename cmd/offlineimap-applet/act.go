package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"github.com/offlineimap/offlineimapd/cmd/offlineimap-applet/notice"
	"github.com/offlineimap/offlineimapd/cmd/offlineimap-applet/plain"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

// codeNoSuchHold says that a token names no plan that waits.
const codeNoSuchHold = "NoSuchHold"

// lasting is how long an answer to something the person did is shown.
const lasting = 20 * time.Second

// act does what a button says.
func (a *applet) act(ctx context.Context, i notice.Invoked) {
	it, ok := a.news.find(i.Key)
	if !ok {
		return // a text or an answer, which has no buttons
	}
	switch {
	case it.kind == kindMail && i.Action == notice.DefaultAction:
		a.open(it, i.Token)
	case it.kind == kindPassword && i.Action == actionEnter:
		a.wait[it.account] = append(a.wait[it.account], it.Key)
		a.call(ctx, func(ctx context.Context) (after func()) {
			// The run that comes of it asks the agent, which is us.
			_, err := a.client.Sync(ctx, it.account, client.SyncOptions{Reason: "a password is to be entered"})
			return func() { a.failed(it, "no password can be entered now", err) }
		})
	case it.kind == kindHeld && i.Action == actionApprove:
		a.wait[it.account] = append(a.wait[it.account], it.Key)
		a.call(ctx, func(ctx context.Context) (after func()) {
			_, err := a.client.Approve(ctx, it.account, it.token)
			return func() { a.approved(it, err) }
		})
	case it.kind == kindHeld && i.Action == actionShow:
		a.desktop.Reopen(it.Key)
		a.show(ctx, it)
	}
}

// approved tells what became of Approve.
func (a *applet) approved(it item, err error) {
	name := plain.Line(it.account, maxName)
	if client.Code(err) != codeNoSuchHold {
		if err == nil {
			a.log.noticef("%s: a held change was approved", name)
		}
		a.failed(it, "nothing was approved", err)
		return
	}
	a.log.noticef("%s: the change that was approved is another one by now", name)
	a.news.say(it.account, name+": the plan has changed", "Nothing was approved. What waits now is shown; please look at it again.", time.Now().Add(lasting))
	a.unwait(it)
	a.stale = true
}

// failed tells that what a button asked for did not come about; err may be nil.
func (a *applet) failed(it item, what string, err error) {
	if err == nil {
		return
	}
	name := plain.Line(it.account, maxName)
	why := plain.Line(err.Error(), maxBody)
	if errors.Is(err, client.ErrNotRunning) {
		why = "offlineimapd is not running."
	}
	a.log.errorf("%s: %s: %s", name, what, why)
	a.news.say(it.account, name+": "+what, why, time.Now().Add(lasting))
	a.unwait(it)
	a.desktop.Reopen(it.Key)
}

func (a *applet) unwait(it item) {
	a.wait[it.account] = slices.DeleteFunc(a.wait[it.account], func(key string) bool { return key == it.Key })
}

// call runs f aside, and what it returns on the goroutine that owns a.
func (a *applet) call(ctx context.Context, f func(context.Context) (after func())) {
	a.aside.Go(func() {
		after := f(ctx)
		select {
		case a.posted <- after:
		case <-ctx.Done():
		}
	})
}

func (a *applet) open(it item, token string) {
	path, err := a.lookPath(a.mailer[0])
	if err == nil {
		_, err = start(token, path, a.mailer[1:]...)
	}
	if err != nil {
		a.failed(it, "the mail program cannot be started", err)
	}
}

// terminalScript is constant: no text of others comes near a shell. The window
// would close with the program otherwise.
const terminalScript = `offlineimapctl problems; echo; printf 'Press Enter to close. '; read -r answer`

// show shows everything about a held plan, in a terminal where there is one that
// works.
func (a *applet) show(ctx context.Context, it item) {
	terminal, err := a.lookPath("x-terminal-emulator")
	if err == nil {
		_, err = a.lookPath("offlineimapctl")
	}
	var ended <-chan error
	if err == nil {
		ended, err = start("", terminal, "-e", "sh", "-c", terminalScript)
	}
	if err != nil {
		a.news.show(it)
		return
	}
	a.call(ctx, func(ctx context.Context) (after func()) {
		select {
		case err := <-ended:
			if err != nil {
				return func() { a.news.show(it) }
			}
		case <-time.After(2 * time.Second): // it is open
		case <-ctx.Done():
		}
		return func() {}
	})
}

// start starts a program that lives on when the applet ends. The channel, of
// one value, tells how the program ended.
func start(token, path string, args ...string) (<-chan error, error) {
	cmd := exec.Command(path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if token != "" {
		cmd.Env = append(os.Environ(), "XDG_ACTIVATION_TOKEN="+token, "DESKTOP_STARTUP_ID="+token)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return ended, nil
}
