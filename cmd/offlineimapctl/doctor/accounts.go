package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/client"
)

// account is what the daemon and the configuration say of one together.
type account struct {
	name, root, host string
	port             int // 0: not known
	live             *api.Account
}

// problems: what does the daemon itself say? Those of accounts come with them.
func (e *examination) problems(context.Context) {
	if e.doc == nil {
		return
	}
	for _, p := range e.doc.Problems {
		if p.Account == "" {
			e.tell(Check{Name: "problem", Result: severity(p.Severity), Text: p.Code + ": " + p.Text, Hint: p.Fix})
		}
	}
}

func severity(s string) Result {
	if s == "error" {
		return Fail
	}
	return Warn
}

// accounts examines each account on its own, all at once.
func (e *examination) accounts(ctx context.Context) error {
	all := e.known()
	if len(e.Accounts) > 0 {
		for _, n := range e.Accounts {
			if !slices.ContainsFunc(all, func(a account) bool { return a.name == n }) {
				return &client.Error{Code: "NoSuchAccount", Text: fmt.Sprintf("account %q does not exist", n)}
			}
		}
		all = slices.DeleteFunc(all, func(a account) bool { return !slices.Contains(e.Accounts, a.name) })
	}
	results := make([][]Check, len(all))
	var wg sync.WaitGroup
	for i, a := range all {
		wg.Go(func() {
			results[i] = append(e.local(a), append(e.server(ctx, a), e.state(a)...)...)
		})
	}
	wg.Wait()
	for i, a := range all {
		for _, c := range results[i] {
			c.Account = a.name
			e.tell(c)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// known are the accounts of daemon and configuration, in that order.
func (e *examination) known() []account {
	var all []account
	at := func(name string) *account {
		i := slices.IndexFunc(all, func(a account) bool { return a.name == name })
		if i < 0 {
			all = append(all, account{name: name})
			i = len(all) - 1
		}
		return &all[i]
	}
	if e.doc != nil {
		for i := range e.doc.Accounts {
			live := &e.doc.Accounts[i]
			a := at(live.Name)
			a.live, a.root, a.host = live, live.Root, live.Host
			if !filepath.IsAbs(a.root) {
				a.root = "" // user and host of a local server
			}
		}
	}
	for _, c := range e.config {
		if !c.Enabled {
			continue
		}
		a := at(c.Name)
		if c.Local != nil && a.root == "" {
			a.root = c.Local.Root
		}
		if c.Remote != nil && !c.Remote.Tunnel && (a.host == "" || a.host == c.Remote.Host) {
			a.host, a.port = c.Remote.Host, c.Remote.Port
		}
		if c.Remote != nil && (c.Remote.Tunnel || c.Remote.Evaluated) {
			a.host = "" // reached by a command, or known only to a run
		}
	}
	return all
}

// Room on the disk: below the first a download may fail, below the second soon
// (octets).
const (
	noRoom     = 100e6
	littleRoom = 1e9
)

// local: are the folders there, can they be written, is there room?
func (e *examination) local(a account) []Check {
	if a.root == "" {
		return nil
	}
	var out []Check
	fi, err := e.Stat(a.root)
	synced := a.live != nil && a.live.LastSync != nil
	switch {
	case errors.Is(err, fs.ErrNotExist) && synced:
		out = append(out, Check{Name: "folders", Result: Fail, Text: a.root + " is not there, and was", Hint: "mount it, or bring it back, before anything is synced"})
	case errors.Is(err, fs.ErrNotExist):
		out = append(out, Check{Name: "folders", Result: OK, Text: a.root + " is made by the first sync"})
	case err != nil:
		out = append(out, Check{Name: "folders", Result: Fail, Text: err.Error(), Hint: "see to the permissions of its directories"})
	case !fi.IsDir():
		out = append(out, Check{Name: "folders", Result: Fail, Text: a.root + " is no directory", Hint: "correct localfolders in the configuration"})
	case e.Writable(a.root) != nil:
		out = append(out, Check{Name: "folders", Result: Fail, Text: a.root + " cannot be written", Hint: "chmod u+rwx " + a.root})
	default:
		out = append(out, Check{Name: "folders", Result: OK, Text: a.root})
	}
	dir := a.root
	for ; dir != "/" && dir != "."; dir = filepath.Dir(dir) {
		if _, err := e.Stat(dir); err == nil {
			break
		}
	}
	free, total, err := e.Free(dir)
	if err != nil {
		return out
	}
	c := Check{Name: "disk", Result: OK, Text: fmt.Sprintf("%.1f of %.1f GB free", float64(free)/1e9, float64(total)/1e9)}
	switch {
	case free < noRoom:
		c.Result, c.Hint = Fail, "make room; nothing can be downloaded"
	case free < littleRoom:
		c.Result, c.Hint = Warn, "make room soon"
	}
	return append(out, c)
}

// server: has it an address, and does it accept connections?
func (e *examination) server(ctx context.Context, a account) []Check {
	if a.host == "" {
		return nil
	}
	var out []Check
	if net.ParseIP(a.host) == nil {
		ask, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		addresses, err := e.LookupHost(ask, a.host)
		if err != nil {
			return []Check{{Name: "name", Result: Fail, Text: "no address for " + a.host + ": " + reason(err), Hint: "is the network up, and remotehost right?"}}
		}
		c := Check{Name: "name", Result: OK, Text: fmt.Sprintf("%s has %d addresses", a.host, len(addresses))}
		if len(addresses) == 1 {
			c.Text = a.host + " has an address"
		}
		out = append(out, c)
	}
	if a.port == 0 {
		return out
	}
	dial, cancelDial := context.WithTimeout(ctx, patience)
	defer cancelDial()
	start := time.Now()
	conn, err := e.Dial(dial, "tcp", net.JoinHostPort(a.host, strconv.Itoa(a.port)))
	if err != nil {
		return append(out, Check{Name: "connection", Result: Fail, Text: fmt.Sprintf("port %d: %s", a.port, reason(err)),
			Hint: "is the network up, remoteport right, and no firewall in between?"})
	}
	conn.Close()
	return append(out, Check{Name: "connection", Result: OK, Text: fmt.Sprintf("port %d answers in %d ms", a.port, time.Since(start).Milliseconds())})
}

// reason is an error without addresses of this machine.
func reason(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &dns):
		return dns.Err
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer"
	case errors.As(err, &op) && op.Timeout():
		return "no answer"
	case errors.As(err, &op):
		return op.Err.Error()
	}
	return err.Error()
}

// states that are not as they should be.
var states = map[string]Result{
	"paused": Warn, "offline": Warn, "backoff": Warn, "auth-required": Fail, "halted": Fail, "disabled": Warn,
}

// state: what does the daemon say of the account?
func (e *examination) state(a account) []Check {
	if a.live == nil {
		if e.doc != nil {
			return []Check{{Name: "state", Result: Warn, Text: "the daemon does not know the account", Hint: "offlineimapctl reload"}}
		}
		return nil
	}
	c := Check{Name: "state", Result: OK, Text: a.live.State}
	if r, ok := states[a.live.State]; ok {
		c.Result = r
	}
	if a.live.Reason != "" {
		c.Text += ": " + a.live.Reason
	}
	if a.live.State == "paused" {
		c.Hint = "offlineimapctl resume " + a.name
	}
	out := []Check{c}
	if f := a.live.LastError; f != nil {
		out = append(out, Check{Name: "last run", Result: Warn, Text: f.Code + ": " + f.Text, Hint: f.Hint})
	} else if a.live.LastResult != "" {
		out = append(out, Check{Name: "last run", Result: OK, Text: a.live.LastResult})
	}
	for _, p := range e.doc.Problems {
		if p.Account == a.name {
			out = append(out, Check{Name: "problem", Result: severity(p.Severity), Text: p.Code + ": " + p.Text, Hint: p.Fix})
		}
	}
	return out
}
