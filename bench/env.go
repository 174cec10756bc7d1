package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"syscall"
)

// env is the benchmark as testenv sees it: something that fails and cleans up.
type env struct {
	ctx    context.Context
	undo   []func()
	failed bool
}

// failure is what Fatalf ends the benchmark with.
type failure string

func (e *env) Helper()          {}
func (e *env) Cleanup(f func()) { e.undo = append(e.undo, f) }
func (e *env) Failed() bool     { return e.failed }

func (e *env) Logf(format string, args ...any)   { fmt.Fprintf(os.Stderr, format+"\n", args...) }
func (e *env) Errorf(format string, args ...any) { e.Fatalf(format, args...) }

func (e *env) Fatalf(format string, args ...any) {
	e.failed = true
	panic(failure(fmt.Sprintf(format, args...)))
}

func (e *env) TempDir() string {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		e.Fatalf("%v", err)
	}
	e.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (e *env) cleanup() {
	for _, f := range slices.Backward(e.undo) {
		f()
	}
	e.undo = nil
}

// scope runs f, and what was to be cleaned up since, so that rounds do not
// pile up.
func (e *env) scope(f func()) {
	outer := e.undo
	e.undo = nil
	defer func() {
		e.cleanup()
		e.undo = outer
	}()
	f()
}

const tmpfsMagic = 0x01021994 // statfs(2)

func warnOfMemoryDisk(e *env, dir string) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		e.Fatalf("%s: %v", dir, err)
	}
	if st.Type == tmpfsMagic {
		e.Logf("bench: %s is in memory, where durability costs nothing; choose a disk with -dir", dir)
	}
}
