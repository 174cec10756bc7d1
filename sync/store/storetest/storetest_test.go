package storetest_test

import (
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/sync/store"
	"github.com/offlineimap/offlineimapd/sync/store/storetest"
)

// Every way of a World fulfils the contract, also behind the decorators.
func TestConformance(t *testing.T) {
	for name, o := range map[string]storetest.Options{
		"server":         {},
		"plain server":   {Plain: true},
		"eager server":   {Eager: true, Silent: true},
		"maildir":        {Carries: true},
		"flat maildir":   {Carries: true, Separator: '.'},
		"narrow server":  {Parallel: 1, Separator: '.'},
		"masking server": {Mask: 0x3f},
	} {
		t.Run(name, func(t *testing.T) { run(t, o, func(s store.Store) store.Store { return s }) })
	}
	t.Run("with faults", func(t *testing.T) {
		run(t, storetest.Options{}, func(s store.Store) store.Store { return storetest.WithFaults(s, &storetest.Faults{}) })
	})
	t.Run("with latency", func(t *testing.T) {
		run(t, storetest.Options{Carries: true}, func(s store.Store) store.Store {
			return storetest.WithLatency(s, storetest.Latency{Call: time.Millisecond, Mail: 100 * time.Microsecond})
		})
	})
}

func run(t *testing.T, o storetest.Options, wrap func(store.Store) store.Store) {
	storetest.Run(t, func(testing.TB) storetest.Env {
		w := storetest.NewWorld(o)
		return storetest.Env{
			Store: wrap(w.Store()), Outside: w,
			Reopen: func(testing.TB) store.Store { return wrap(w.Store()) },
			Mask:   o.Mask, Large: 1 << 20,
		}
	})
}
