package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// enough signals to end end the program without more ado.
const enough = 3

// mostInOrder is how long a run may take to end in order: a person who cannot wait
// has two more signals, and status 0 says that nothing was cut off.
const mostInOrder = 5 * time.Second

// exitAborted is what a shell shows of a program that abort(3) ended.
const exitAborted = 128 + int(syscall.SIGABRT)

// conductor does what signals ask of a run in the foreground.
type conductor struct {
	all  chan os.Signal
	done chan struct{}
	wake []chan struct{} // one for each account, with room for one
}

// listen takes signals until stop. The context ends with the first that asks for
// an end; what goes on then for longer than it may is cut off.
func (f *front) listen(accounts int, stderr io.Writer) (context.Context, *conductor) {
	ctx, cancel := context.WithCancel(context.Background())
	c := &conductor{all: make(chan os.Signal, 16), done: make(chan struct{})}
	for range accounts {
		c.wake = append(c.wake, make(chan struct{}, 1))
	}
	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGABRT, syscall.SIGQUIT} {
		if !signal.Ignored(s) { // nohup, and shells for what runs in the background
			signal.Notify(c.all, s)
		}
	}
	go func() {
		defer cancel()
		f.act(c, cancel, stderr)
	}()
	return ctx, c
}

func (c *conductor) stop() {
	signal.Stop(c.all)
	close(c.done)
}

func (f *front) act(c *conductor, cancel func(), stderr io.Writer) {
	atOnce := func() {
		fmt.Fprintf(stderr, "%s: ended at once; the next run settles what was left\n", f.o.name())
		os.Exit(exitError)
	}
	ends, drained := 0, false
	var late <-chan time.Time
	for {
		select {
		case <-c.done:
			return
		case <-late:
			atOnce()
		case sig := <-c.all:
			switch sig {
			case syscall.SIGUSR1:
				for _, w := range c.wake {
					select {
					case w <- struct{}{}:
					default: // it is awake already
					}
				}
			case syscall.SIGUSR2, syscall.SIGABRT:
				if !drained {
					drained = true
					close(f.drain)
					// A reader of the output that does not read must not hold up signals.
					go f.screen.Warn("ending after the passes that are under way")
				}
			case syscall.SIGQUIT:
				dump(stderr)
				os.Exit(exitAborted)
			default:
				switch ends++; ends {
				case 1:
					cancel()
					late = time.After(mostInOrder)
					go f.screen.Warn("ending in order; the next run goes on where this one was")
				case enough:
					atOnce()
				}
			}
		}
	}
}
