package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/offlineimap/offlineimapd/dbus/server"
	"github.com/offlineimap/offlineimapd/internal/stream"
	"github.com/offlineimap/offlineimapd/internal/systemd"
	"github.com/offlineimap/offlineimapd/service"
	"github.com/offlineimap/offlineimapd/service/event"
)

// daemon runs until a signal, or until the bus is lost. One goroutine each: the
// service, the bus, the event stream, the watchdog, the status line and signals.
func daemon(o options, stderr *os.File) int {
	signals := listen()
	defer signals.stop()
	logs := systemd.OpenLog(stderr)
	log := slog.New(logs.Handler())
	if len(o.debug) > 0 {
		_ = logs.SetLevel("debug") // there is such a level
	}
	for _, text := range o.idle() {
		log.Info(text)
	}
	given, err := systemd.Receive()
	if err != nil {
		log.Warn("what systemd offered could not be taken: " + err.Error())
	}
	notify := given.Notify
	// fail ends the daemon before it was one.
	fail := func(status int, err error, hint string) int {
		log.Error(err.Error()+hinted(hint), "event", "stop")
		if nerr := notify.Failed(err.Error(), "", err); nerr != nil {
			log.Warn(nerr.Error())
		}
		return status
	}

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l := &loader{o: o, log: log, names: new(atomic.Uint64), told: map[string]bool{}}
	var srv *server.Server
	svc, err := service.New(ctx, service.Options{
		Load: l.load, Log: log, Hang: os.Getenv("OFFLINEIMAPD_HANG"),
		Ask: func(ctx context.Context, q service.Question) (string, error) { return srv.Ask(ctx, q) },
	})
	if err != nil {
		var e *service.Error
		hint := ""
		if errors.As(err, &e) {
			hint = e.Hint
		}
		return fail(exitConfig, err, hint)
	}
	srv = server.New(server.Options{
		Daemon: svc, Version: versionNumber(), LogControl: logs, Log: log,
		Ready: func() {
			svc.Begin()
			log.Log(ctx, slog.LevelInfo, versionText()+" is ready", "event", "start")
			told(log, notify.Ready(svc.Status().Text))
		},
	})

	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- svc.Run(running) }()
	<-svc.Started()

	serving, silent := context.WithCancel(ctx)
	defer silent()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(serving, "") }()
	go statusLine(svc, notify, log)
	for _, ln := range given.Listeners["events"] {
		go func() {
			if err := stream.Serve(serving, ln, source{svc, log}); err != nil {
				log.Warn("the event stream has ended: " + err.Error())
			}
		}()
	}
	go systemd.Watchdog(serving, notify, given.Watchdog, svc.Heartbeat, log)
	go signals.act(serving, svc, log)

	status, why := exitOK, ""
	select {
	case <-signals.end:
		why = "as asked"
	case err := <-ended: // SIGUSR2
		ended <- err
		why = "all runs have ended, as asked"
	case err := <-served:
		served <- err
		status, why = busStatus(err), err.Error()+hinted(busHint(err))
	}
	if status == exitOK {
		log.Info("ending: "+why, "event", "stop")
		told(log, notify.Stopping("Ending"))
	} else {
		log.Error(why, "event", "stop")
		told(log, notify.Failed(why, "", nil))
	}
	// In order: no new callers, then no runs. What does not end in time is cut off
	// as a crash would; the next run settles it.
	late := time.AfterFunc(inOrder, func() {
		log.Warn("ended at once; the next run settles what was left")
		os.Exit(status)
	})
	silent()
	stop()
	<-ended
	<-served
	late.Stop()
	return status
}

// busStatus is the exit status that follows from what became of the bus.
func busStatus(err error) int {
	switch {
	case errors.Is(err, server.ErrNameTaken):
		return exitSecond
	case err == nil:
		return exitOK
	}
	return exitTransient
}

func busHint(err error) string {
	switch {
	case errors.Is(err, server.ErrNameTaken):
		return "offlineimapctl status shows it"
	case errors.Is(err, server.ErrNoBus):
		return "offlineimapd --once needs none"
	}
	return ""
}

func told(log *slog.Logger, err error) {
	if err != nil {
		log.Warn(err.Error())
	}
}

// statusLine keeps systemd's line about the service up to date, and tells of
// reloads, until the service ends.
func statusLine(svc *service.Service, notify *systemd.Notifier, log *slog.Logger) {
	sub := svc.Subscribe(64)
	defer sub.Close()
	var due <-chan time.Time
	for {
		select {
		case e, ok := <-sub.C():
			switch {
			case !ok:
				return
			case e.Kind == event.Reloading && e.Active:
				told(log, notify.Reloading("Reading the configuration"))
			case e.Kind == event.Reloading:
				told(log, notify.Ready(svc.Status().Text))
			case due == nil:
				due = time.After(time.Second)
			}
		case <-due:
			due = nil
			told(log, notify.Status(svc.Status().Text))
		}
	}
}

// source is the event stream's view of the service.
type source struct {
	svc *service.Service
	log *slog.Logger
}

// Line is the document that Describe returns.
func (s source) Line() []byte {
	b, err := json.Marshal(server.Document(s.svc.Status()))
	if err != nil {
		s.log.Error("event stream: " + err.Error())
	}
	return b
}

// Changed passes on that something changed.
func (s source) Changed() (<-chan struct{}, func()) {
	sub := s.svc.Subscribe(2)
	c := make(chan struct{}, 1)
	go func() {
		defer close(c)
		for range sub.C() {
			select {
			case c <- struct{}{}:
			default:
			}
		}
	}()
	return c, sub.Close
}

// dump writes the stacks of all goroutines.
func dump(w io.Writer) {
	buf := make([]byte, 1<<20)
	for line := range strings.Lines(string(buf[:runtime.Stack(buf, true)])) {
		fmt.Fprint(w, line)
	}
}
