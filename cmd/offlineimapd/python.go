package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/internal/pyexpr"
	"github.com/offlineimap/offlineimapd/internal/python"
	"github.com/offlineimap/offlineimapd/sync/engine"
	"github.com/offlineimap/offlineimapd/sync/names"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// evaluator evaluates what expressions a configuration has. Nothing is started
// before one needs it. A file of helpers may give any name another meaning, re and
// len among them, so that only Python can tell what expressions are where there is
// one.
func evaluator(cfg *config.Config, log func(string)) *python.Evaluator {
	o := python.Options{File: cfg.General.PythonFile, Log: log}
	if o.File == "" {
		o.InProcess = pyexpr.Eval
	}
	return python.New(o)
}

// helpers tells versions of the file of helpers apart; "" without one.
func helpers(cfg *config.Config) string {
	if cfg.General.PythonFile == "" {
		return ""
	}
	info, err := os.Stat(cfg.General.PythonFile)
	if err != nil {
		return cfg.General.PythonFile
	}
	return fmt.Sprintf("%s %d %d", cfg.General.PythonFile, info.ModTime().UnixNano(), info.Size())
}

// wrong is the error for an expression that gives what its option cannot use. It
// does not say what that is: it may be a secret.
func wrong(e config.Expression, err error) error {
	return store.Fail(store.Config, store.ScopeStore, fmt.Errorf("%s: %w", e.At, err))
}

// function evaluates an option that is a function; nil where it is not set.
func (w work) function(ctx context.Context, e config.Expression) (pyexpr.Func, error) {
	if e.Source == "" {
		return nil, nil
	}
	v, err := w.python.Eval(ctx, e.Source)
	if err != nil {
		return nil, wrong(e, err)
	}
	f, ok := v.(pyexpr.Func)
	if !ok {
		return nil, wrong(e, fmt.Errorf("it is %s, and must be a function of a name, such as lambda name: …", kindOf(v)))
	}
	return f, nil
}

// remembered asks f about each name one time only. Within a run a name has one
// answer: which folder belongs to which, and which files are whose, depends on it.
func remembered[T any](f func(name string) (T, error)) func(name string) (T, error) {
	type answer struct {
		value T
		err   error
	}
	var mu sync.Mutex
	var slow error
	known := map[string]answer{}
	return func(name string) (T, error) {
		mu.Lock()
		defer mu.Unlock()
		a, ok := known[name]
		switch {
		case ok:
		case slow != nil:
			a.err = slow
		default:
			began := time.Now()
			a.value, a.err = f(name)
			known[name] = a
			// Nobody waits for that with each name.
			if a.err != nil && time.Since(began) > longAnswer {
				slow = a.err
			}
		}
		return a.value, a.err
	}
}

// longAnswer is after how long an expression that fails is asked no more in a run.
const longAnswer = 20 * time.Second

// translation evaluates a nametrans.
func (w work) translation(ctx context.Context, e config.Expression) (func(string) (string, error), error) {
	f, err := w.function(ctx, e)
	if f == nil || err != nil {
		return nil, err
	}
	return remembered(func(name string) (string, error) {
		v, err := f.Call(ctx, name)
		if err != nil {
			return "", err
		}
		s, ok := v.(string)
		if !ok {
			return "", fmt.Errorf("it gives %s instead of a name", kindOf(v))
		}
		return s, nil
	}), nil
}

// includes evaluates folderincludes.
func (w work) includes(ctx context.Context, r *config.Repository) ([]string, error) {
	if r.FolderIncludes.Source == "" {
		return nil, nil
	}
	v, err := w.python.Eval(ctx, r.FolderIncludes.Source)
	if err != nil {
		return nil, wrong(r.FolderIncludes, err)
	}
	list, ok := items(v)
	if !ok {
		return nil, wrong(r.FolderIncludes, fmt.Errorf("it is %s, and must be a list of names", kindOf(v)))
	}
	var all []string
	for _, item := range list {
		name, ok := item.(string)
		if !ok {
			return nil, wrong(r.FolderIncludes, fmt.Errorf("%s is among the names", kindOf(item)))
		}
		all = append(all, name)
	}
	return all, nil
}

// filter evaluates folderfilter; nil where all folders are wanted. Those of always
// are, whatever it says.
func (w work) filter(ctx context.Context, r *config.Repository, always []string) (func(string) (bool, error), error) {
	f, err := w.function(ctx, r.FolderFilter)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, nil
	}
	return remembered(func(name string) (bool, error) {
		if slices.Contains(always, name) {
			return true, nil
		}
		v, err := f.Call(ctx, name)
		if err != nil {
			return false, err
		}
		return truth(v), nil
	}), nil
}

// folders adds to a policy what the configuration says about names.
func (w work) folders(ctx context.Context, p *engine.Policy) error {
	local, remote := w.account.Local, w.account.Remote
	var err error
	if p.Names.There, err = w.translation(ctx, remote.NameTrans); err != nil {
		return err
	}
	if p.Names.Back, err = w.translation(ctx, local.NameTrans); err != nil {
		return err
	}
	if w.chosen != nil {
		p.Choice.Remote = w.chosen.has
	} else if p.Choice.Includes, err = w.includes(ctx, remote); err != nil {
		return err
	} else if p.Choice.Remote, err = w.filter(ctx, remote, p.Choice.Includes); err != nil {
		return err
	}
	here, err := w.includes(ctx, local)
	if err != nil {
		return err
	}
	p.Choice.Local, err = w.filter(ctx, local, here)
	return err
}

// text evaluates an option that is a string.
func text(ctx context.Context, ev *python.Evaluator, e config.Expression) (string, error) {
	v, err := ev.Eval(ctx, e.Source)
	if err != nil {
		return "", wrong(e, err)
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case pyexpr.Bytes:
		return string(v), nil
	}
	return "", wrong(e, fmt.Errorf("it is %s, and must be a string", kindOf(v)))
}

// textOrNone is text, with None for "".
func textOrNone(ctx context.Context, ev *python.Evaluator, e config.Expression) (string, error) {
	v, err := ev.Eval(ctx, e.Source)
	if err != nil {
		return "", wrong(e, err)
	}
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case pyexpr.Bytes:
		return string(v), nil
	}
	return "", wrong(e, fmt.Errorf("it is %s, and must be a string or None", kindOf(v)))
}

// resolve settles which server to call, and as whom, where expressions say so.
func resolve(ctx context.Context, ev *python.Evaluator, m *config.IMAP) (*config.IMAP, error) {
	out := *m
	var err error
	if m.HostEval.Source != "" {
		if out.Host, err = text(ctx, ev, m.HostEval); err == nil && (out.Host == "" || strings.ContainsFunc(out.Host, func(r rune) bool { return r <= ' ' })) {
			err = wrong(m.HostEval, fmt.Errorf("%q is not the name of a server", names.Display(out.Host)))
		}
		if err != nil {
			return nil, err
		}
	}
	if m.UserEval.Source != "" {
		if out.User, err = text(ctx, ev, m.UserEval); err != nil {
			return nil, err
		}
	}
	if m.PortEval.Source != "" {
		v, err := ev.Eval(ctx, m.PortEval.Source)
		if err != nil {
			return nil, wrong(m.PortEval, err)
		}
		port, ok := v.(int64)
		if !ok || port < 1 || port > 65535 {
			return nil, wrong(m.PortEval, fmt.Errorf("it is %s, and must be a number between 1 and 65535", kindOf(v)))
		}
		out.Port = int(port)
	}
	return &out, nil
}

func items(v any) ([]any, bool) {
	switch v := v.(type) {
	case pyexpr.List:
		return v, true
	case pyexpr.Tuple:
		return v, true
	}
	return nil, false
}

// truth is what Python takes a value for where it asks yes or no.
func truth(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case pyexpr.Bytes:
		return len(v) > 0
	case pyexpr.List:
		return len(v) > 0
	case pyexpr.Tuple:
		return len(v) > 0
	case pyexpr.Dict:
		return len(v) > 0
	}
	return true
}

// kindOf names the kind of a value, not the value.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "None"
	case bool:
		return "True or False"
	case int64, float64:
		return "a number"
	case string:
		return "a string"
	case pyexpr.Bytes:
		return "bytes"
	case pyexpr.List:
		return "a list"
	case pyexpr.Tuple:
		return "a tuple"
	case pyexpr.Dict:
		return "a dict"
	}
	return "a function"
}
