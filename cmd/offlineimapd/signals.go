package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/offlineimap/offlineimapd/service"
)

// signalled is what signals ask of the daemon.
type signalled struct {
	end  chan struct{} // closed when it is to end
	all  chan os.Signal
	done chan struct{}
}

// listen takes signals from now on, so that none ends the daemon while it
// starts but those that are to.
func listen() *signalled {
	s := &signalled{end: make(chan struct{}), all: make(chan os.Signal, 16), done: make(chan struct{})}
	signal.Notify(s.all, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGQUIT)
	return s
}

func (s *signalled) stop() { signal.Stop(s.all) }

// act does what signals ask, until ctx ends. One that takes time holds up no
// other.
func (s *signalled) act(ctx context.Context, svc *service.Service, log *slog.Logger) {
	ending := false
	reload := make(chan struct{}, 1) // one that waits is enough
	go func() {
		for {
			select {
			case <-reload:
				_ = svc.Reload(ctx) // it logs its verdict
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case sig := <-s.all:
			switch sig {
			case syscall.SIGTERM, syscall.SIGINT:
				if ending {
					log.Warn("ended at once; the next run settles what was left")
					os.Exit(exitError)
				}
				ending = true
				close(s.end)
			case syscall.SIGHUP:
				select {
				case reload <- struct{}{}:
				default:
				}
			case syscall.SIGUSR1:
				if _, err := svc.Sync(ctx, "", service.Request{Reason: "SIGUSR1"}); err != nil {
					log.Warn("SIGUSR1: " + err.Error())
				}
			case syscall.SIGUSR2:
				log.Info("no run begins any more; ending when those under way have ended")
				svc.Drain()
			case syscall.SIGQUIT:
				dump(os.Stderr)
			}
		}
	}
}
