package server

import (
	"encoding/json"
	"sync"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/dbus/server/bus"
	"github.com/offlineimap/offlineimapd/dbus/server/view"
	"github.com/offlineimap/offlineimapd/service"
)

// cache keeps the answers that status bars ask for again and again, encoded,
// as long as the Status is the same one.
type cache struct {
	mu       sync.Mutex
	of       *service.Status
	status   *bus.Body
	describe *bus.Body
}

// answer returns one of the answers, made by encode where it is not there yet.
func (c *cache) answer(st *service.Status, which func(*cache) **bus.Body, encode func(*service.Status) (*bus.Body, error)) (*bus.Body, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of != st {
		c.of, c.status, c.describe = st, nil, nil
	}
	kept := which(c)
	if *kept == nil {
		b, err := encode(st)
		if err != nil {
			return nil, err
		}
		*kept = b
	}
	return *kept, nil
}

func (c *cache) statusOf(st *service.Status) (*bus.Body, error) {
	return c.answer(st, func(c *cache) **bus.Body { return &c.status }, func(st *service.Status) (*bus.Body, error) {
		return bus.Encode(statusReply(st))
	})
}

func (c *cache) describeOf(st *service.Status) (*bus.Body, error) {
	return c.answer(st, func(c *cache) **bus.Body { return &c.describe }, func(st *service.Status) (*bus.Body, error) {
		b, err := json.Marshal(Document(st))
		if err != nil {
			return nil, err
		}
		return bus.Encode(string(b))
	})
}

// statusReply is what Status returns: names, and little more.
func statusReply(st *service.Status) map[string]any {
	type account struct {
		Name          string
		Path          dbus.ObjectPath
		State, Reason string
	}
	type job struct {
		ID    uint32
		Path  dbus.ObjectPath
		State string
	}
	type problem struct{ Code, Account, Severity, Text string }
	accounts := make([]account, 0, len(st.Accounts))
	for i := range st.Accounts {
		a := &st.Accounts[i]
		accounts = append(accounts, account{view.Text(a.Name), dbus.ObjectPath(api.AccountPathOf(a.Name)), view.Text(string(a.State)), view.Text(a.Reason)})
	}
	jobs := make([]job, 0, len(st.Jobs))
	for i := range st.Jobs {
		j := &st.Jobs[i]
		jobs = append(jobs, job{j.ID, dbus.ObjectPath(api.JobPathOf(j.ID)), view.Text(string(j.State))})
	}
	problems := make([]problem, 0, len(st.Problems))
	for _, p := range st.Problems {
		problems = append(problems, problem{view.Text(string(p.Code)), view.Text(p.Account), view.Text(string(p.Severity)), view.Text(p.Text)})
	}
	return map[string]any{
		"state": view.Text(string(st.State)), "text": view.Text(st.Text), "paused": st.Paused, "online": st.Online,
		"accounts": accounts, "jobs": jobs, "problems": problems,
	}
}
