package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/offlineimap/offlineimapd/dbus/client"
)

func (a *app) showVerb() *cobra.Command {
	var names []string
	value := false
	c := a.verb("show [ACCOUNT]", "Show the properties of an account, or of the daemon, for programs", cobra.MaximumNArgs(1),
		func(ctx context.Context, args []string) error { return a.show(ctx, args, names, value) })
	c.Flags().StringSliceVarP(&names, "property", "p", nil, "only these, in this order")
	c.Flags().BoolVar(&value, "value", false, "without their names")
	c.ValidArgsFunction = a.completeAccounts
	return c
}

func (a *app) show(ctx context.Context, args, names []string, value bool) error {
	c, err := a.bus(ctx)
	if err != nil {
		return err
	}
	var p client.Properties
	if len(args) == 0 {
		p, err = c.Manager(ctx)
	} else {
		p, err = c.Account(ctx, args[0])
	}
	if err != nil {
		return err
	}
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(p))
	}
	some := map[string]any{}
	for _, n := range names {
		v, ok := p[n]
		if !ok {
			return &verdict{exitFailure, fmt.Errorf("there is no property %q", n), "offlineimapctl show lists them"}
		}
		some[n] = v
	}
	if a.wantsJSON() {
		return a.document(struct {
			Version    int            `json:"version"`
			Properties map[string]any `json:"properties"`
		}{1, some})
	}
	for _, n := range names {
		if value {
			a.say("%s\n", propertyText(some[n]))
		} else {
			a.say("%s=%s\n", n, propertyText(some[n]))
		}
	}
	return nil
}

// propertyText writes a value on one line; parts stand with spaces between them.
func propertyText(v any) string {
	var parts []string
	switch v := v.(type) {
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case []string:
		return strings.Join(v, " ")
	case []any:
		for _, x := range v {
			parts = append(parts, propertyText(x))
		}
		return strings.TrimSpace(strings.Join(parts, " "))
	}
	return fmt.Sprint(v)
}
