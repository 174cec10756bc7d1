package server

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
	"github.com/offlineimap/offlineimapd/service"
)

// The limits of what callers say.
const (
	mostText    = 1024  // octets of a reason, a token or a name of a folder
	mostFolders = 10000 // names in one request
)

// syncRequest reads the options of SyncNow. What it does not know it refuses:
// an option that is misspelt must not make for another run than was meant.
func syncRequest(o map[string]dbus.Variant) (service.Request, error) {
	var r service.Request
	for _, key := range slices.Sorted(maps.Keys(o)) {
		var err error
		switch key {
		case api.OptionFolders:
			r.Folders, err = folders(o[key])
		case api.OptionFull:
			r.Full, err = truth(key, o[key])
		case api.OptionDryRun:
			r.DryRun, err = truth(key, o[key])
		case api.OptionEvenIfPaused:
			r.EvenIfPaused, err = truth(key, o[key])
		case api.OptionReason:
			var ok bool
			if r.Reason, ok = o[key].Value().(string); !ok {
				err = wrongType(key, "a text (s)", o[key])
			} else if len(r.Reason) > mostText {
				err = invalid("option %q is longer than %d octets", key, mostText)
			}
		default:
			err = invalid("there is no option %s", brief(key))
		}
		if err != nil {
			return service.Request{}, err
		}
	}
	return r, nil
}

// agentAccounts reads the options of RegisterAgent.
func agentAccounts(o map[string]dbus.Variant) ([]string, error) {
	for key := range o {
		if key != api.AgentAccounts {
			return nil, invalid("there is no option %s", brief(key))
		}
	}
	v, ok := o[api.AgentAccounts]
	if !ok {
		return nil, nil
	}
	names, ok := v.Value().([]string)
	switch {
	case !ok:
		return nil, wrongType(api.AgentAccounts, "a list of texts (as)", v)
	case len(names) == 0 || len(names) > mostFolders:
		return nil, invalid("option %q names no account, or more than %d", api.AgentAccounts, mostFolders)
	}
	return names, nil
}

func truth(key string, v dbus.Variant) (bool, error) {
	b, ok := v.Value().(bool)
	if !ok {
		return false, wrongType(key, "a boolean (b)", v)
	}
	return b, nil
}

func folders(v dbus.Variant) ([]string, error) {
	names, ok := v.Value().([]string)
	switch {
	case !ok:
		return nil, wrongType(api.OptionFolders, "a list of texts (as)", v)
	case len(names) == 0:
		return nil, invalid("option %q names no folder; leave it out to mean all", api.OptionFolders)
	case len(names) > mostFolders:
		return nil, invalid("option %q names more than %d folders", api.OptionFolders, mostFolders)
	}
	for _, n := range names {
		if n == "" || len(n) > mostText {
			return nil, invalid("option %q has a name that is empty or longer than %d octets", api.OptionFolders, mostText)
		}
	}
	return names, nil
}

func wrongType(key, want string, v dbus.Variant) error {
	return invalid("option %q is %s, not of the type %s", key, want, v.Signature())
}

// noOptions is for methods that have none yet.
func noOptions(o map[string]dbus.Variant) error {
	for _, key := range slices.Sorted(maps.Keys(o)) {
		return invalid("there is no option %s", brief(key))
	}
	return nil
}

// duration reads one in microseconds.
func duration(us uint64) (time.Duration, error) {
	if us > math.MaxInt64/uint64(time.Microsecond) {
		return 0, invalid("a duration of %d microseconds is too long; 0 means until resumed", us)
	}
	return time.Duration(us) * time.Microsecond, nil
}
