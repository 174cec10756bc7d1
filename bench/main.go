package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	rounds   int
	rtts     []time.Duration
	steps    []string
	programs []string
	quick    bool
	binary   string
	dir      string
	out      string
}

func parse(args []string) (options, error) {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	var o options
	fs.IntVar(&o.rounds, "rounds", 5, "rounds of every step, of which the median counts")
	rtts := fs.String("rtt", "0,40", "round trips to measure at, in ms")
	steps := fs.String("steps", strings.Join(stepNames, ","), "steps to run; the first sync always runs before the others")
	programs := fs.String("programs", strings.Join(programNames, ","), "programs to run")
	fs.BoolVar(&o.quick, "quick", false, "one round with few mails: does everything work?")
	fs.StringVar(&o.binary, "binary", "bin/offlineimapd", "our program")
	fs.StringVar(&o.dir, "dir", "/var/tmp", "where mail is put; a real disk, or durability costs nothing")
	fs.StringVar(&o.out, "out", "bench/out", "where report.json is put")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("arguments that mean nothing: %q", fs.Args())
	}
	for _, s := range strings.Split(*rtts, ",") {
		ms, err := strconv.ParseFloat(s, 64)
		if err != nil || ms < 0 {
			return o, fmt.Errorf("-rtt %q: %q is no time in ms", *rtts, s)
		}
		o.rtts = append(o.rtts, time.Duration(ms*float64(time.Millisecond)))
	}
	var err error
	if o.steps, err = choose("-steps", *steps, stepNames); err != nil {
		return o, err
	}
	if o.programs, err = choose("-programs", *programs, programNames); err != nil {
		return o, err
	}
	if o.quick {
		o.rounds = 1
	}
	if o.rounds < 1 {
		return o, fmt.Errorf("-rounds %d: at least 1", o.rounds)
	}
	if o.binary, err = filepath.Abs(o.binary); err != nil {
		return o, err
	}
	return o, nil
}

// choose returns the chosen names in the order of all.
func choose(option, chosen string, all []string) ([]string, error) {
	names := strings.Split(chosen, ",")
	for _, n := range names {
		if !slices.Contains(all, n) {
			return nil, fmt.Errorf("%s: no %q among %s", option, n, strings.Join(all, ","))
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(n string) bool { return !slices.Contains(names, n) }), nil
}

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case launchVerb:
			os.Exit(launch(os.Args[2:]))
		case rawLoopVerb:
			os.Exit(rawLoopMain(os.Args[2:]))
		}
	}
	o, err := parse(os.Args[1:])
	if err != nil {
		if err != flag.ErrHelp {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		os.Exit(64)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, o))
}

// run does everything, and cleans up whatever happens. What was measured
// before a failure is reported all the same.
func run(ctx context.Context, o options) (status int) {
	e := &env{ctx: ctx}
	r := newReport(o)
	defer func() {
		if p := recover(); p != nil {
			f, ok := p.(failure)
			if !ok {
				e.cleanup()
				panic(p)
			}
			fmt.Fprintf(os.Stderr, "bench: %s\n", string(f))
			r.Failure = string(f)
			status = 1
		}
		e.cleanup()
		r.print(os.Stdout)
		if err := r.write(o.out); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			status = 1
		}
	}()
	// Dovecot's directory follows TMPDIR.
	if err := os.Setenv("TMPDIR", o.dir); err != nil {
		e.Fatalf("%v", err)
	}
	warnOfMemoryDisk(e, o.dir)
	measureMain(e, o, r)
	measureLarge(e, o, r)
	measureHuge(e, o, r)
	return 0
}
