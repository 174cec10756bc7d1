package client

import (
	"context"

	"github.com/godbus/dbus/v5"

	"github.com/offlineimap/offlineimapd/dbus/api"
)

// LogLevel returns from which level on the daemon logs: emerg, alert, crit, err,
// warning, notice, info or debug.
func (c *Client) LogLevel(ctx context.Context) (string, error) {
	var v dbus.Variant
	err := c.call(ctx, api.LogControlPath, api.PropertiesInterface+".Get", api.LogControlInterface, "LogLevel").store(&v)
	s, _ := v.Value().(string)
	return s, err
}

// SetLogLevel changes it, until the daemon ends.
func (c *Client) SetLogLevel(ctx context.Context, level string) error {
	return c.call(ctx, api.LogControlPath, api.PropertiesInterface+".Set",
		api.LogControlInterface, "LogLevel", dbus.MakeVariant(level)).store()
}
