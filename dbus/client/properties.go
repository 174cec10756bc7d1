package client

import (
	"context"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
)

// Properties are properties of one object, or those of them that changed, by
// their names on the bus: strings, bools, uint32, uint64 and float64, []string,
// object paths as strings, structures as []any, dictionaries as map[string]any.
// What is absent, or of another type than asked for, reads as zero.
type Properties map[string]any

// Text returns a string or an object path.
func (p Properties) Text(name string) string { return get[string](p, name) }

// Bool returns a boolean.
func (p Properties) Bool(name string) bool { return get[bool](p, name) }

// Count returns an unsigned number of either size.
func (p Properties) Count(name string) uint64 {
	if n, ok := p[name].(uint32); ok {
		return uint64(n)
	}
	return get[uint64](p, name)
}

// Time returns a time in microseconds since the epoch; 0 there is zero here.
func (p Properties) Time(name string) time.Time { return moment(get[uint64](p, name)) }

// Failure returns an (ss) of error name and text; nil where both are empty.
func (p Properties) Failure(name string) *api.Failure {
	pair := get[[]any](p, name)
	if len(pair) != 2 {
		return nil
	}
	code, _ := pair[0].(string)
	text, _ := pair[1].(string)
	if code == "" && text == "" {
		return nil
	}
	return &api.Failure{Code: strings.TrimPrefix(code, api.ErrorPrefix), Text: text}
}

func get[T any](p map[string]any, name string) T {
	v, _ := p[name].(T)
	return v
}

// moment turns microseconds since the epoch into a time.
func moment(usec uint64) time.Time {
	if usec == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(usec))
}

func momentOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// native takes the types of godbus out of a value.
func native(v any) any {
	switch v := v.(type) {
	case dbus.Variant:
		return native(v.Value())
	case dbus.ObjectPath:
		return string(v)
	case []dbus.ObjectPath:
		out := make([]string, len(v))
		for i := range v {
			out[i] = string(v[i])
		}
		return out
	case map[string]dbus.Variant:
		return nativeMap(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = native(v[i])
		}
		return out
	}
	return v
}

func nativeMap(m map[string]dbus.Variant) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = native(v)
	}
	return out
}

// properties asks for all properties of an interface at once.
func (c *Client) properties(ctx context.Context, path, iface string) (Properties, error) {
	var m map[string]dbus.Variant
	if err := c.call(ctx, path, api.PropertiesInterface+".GetAll", iface).store(&m); err != nil {
		return nil, err
	}
	return nativeMap(m), nil
}
