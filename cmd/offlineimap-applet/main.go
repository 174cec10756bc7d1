package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/offlineimap/offlineimapd/cmd/offlineimap-applet/prompt"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

// Exit statuses; from 64 on as in sysexits.h.
const (
	exitOK    = 0
	exitError = 1 // the session bus is not there, or went away: to be started again with the next one
	exitUsage = 64
	exitTwice = 69 // another one runs in this session
)

// version is set at link time by packagers; otherwise it is what the module
// system knows.
var version = ""

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	status := run(ctx, os.Args[1:], surroundings{os.Getenv, exec.LookPath}, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// surroundings are what a test brings its own of.
type surroundings struct {
	getenv   func(string) string
	lookPath func(string) (string, error)
}

func (s surroundings) prompt() prompt.Environment {
	return prompt.Environment{Getenv: s.getenv, LookPath: s.lookPath}
}

func usage(w io.Writer) {
	fmt.Fprint(w, `usage: offlineimap-applet [--mailer=COMMAND]
       offlineimap-applet --version

Tells on the desktop what offlineimapd has to say, and asks for passwords.

  --mailer=COMMAND  what a click on new mail starts: a program and its arguments,
                    separated by spaces, without quotes; no shell reads it
                    (default: $OFFLINEIMAP_MAILER, or nothing)
  --version         print the version
  --help            print this
`)
}

// options are what the command line says.
type options struct {
	mailer        []string
	help, version bool
}

func parse(args []string, getenv func(string) string) (options, error) {
	var o options
	fs := flag.NewFlagSet("offlineimap-applet", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	mailer := fs.String("mailer", getenv("OFFLINEIMAP_MAILER"), "")
	fs.BoolVar(&o.version, "version", false, "")
	err := fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		o.help = true
		return o, nil
	case err != nil:
		return o, err
	case fs.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	o.mailer = strings.Fields(*mailer)
	return o, nil
}

func run(ctx context.Context, args []string, s surroundings, stdout, stderr io.Writer) int {
	o, err := parse(args, s.getenv)
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "offlineimap-applet: %v\nhint: offlineimap-applet --help lists what can be said\n", err)
		return exitUsage
	case o.help:
		usage(stdout)
		return exitOK
	case o.version:
		fmt.Fprintln(stdout, versionText())
		return exitOK
	}
	log := &logger{w: stderr, prefix: s.getenv("JOURNAL_STREAM") != ""}
	switch err := attend(ctx, o, s, log); {
	case err == nil:
		return exitOK
	case errors.Is(err, errTwice):
		log.errorf("%v", err)
		return exitTwice
	case errors.Is(err, client.ErrNoBus):
		log.errorf("%v; there is nothing to do without one", err)
		return exitError
	default:
		log.errorf("%v", err)
		return exitError
	}
}

func versionText() string {
	v := version
	if info, ok := debug.ReadBuildInfo(); ok && v == "" {
		v = info.Main.Version
	}
	if v == "" || v == "(devel)" {
		v = "development"
	}
	return "offlineimap-applet " + v
}
