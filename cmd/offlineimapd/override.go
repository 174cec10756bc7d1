package main

import (
	"slices"
	"strings"

	"github.com/offlineimap/offlineimapd/internal/config"
	"github.com/offlineimap/offlineimapd/internal/ui"
)

// read reads the configuration at path, with what the command line says against
// it. Effects come in OfflineIMAP's order: -k first, so that a flag goes before it.
func (o *options) read(path string) (*config.Config, []config.Problem, error) {
	overrides := o.overrides
	if slices.Contains(ui.Names(), strings.ToLower(o.ui)) { // then what the file says of it does not matter
		overrides = append(slices.Clip(overrides), config.Override{Section: "general", Option: "ui", Value: o.ui})
	}
	cfg, problems, err := config.Load(path, overrides...)
	if err != nil {
		return cfg, problems, err
	}
	g := &cfg.General
	if o.ui != "" {
		g.UI = o.ui
	}
	g.DryRun = g.DryRun || o.dryRun
	if o.single {
		g.MaxSyncAccounts, g.MaxSyncAsked = 1, true
	}
	for _, a := range cfg.Accounts {
		if o.runOnce || o.once {
			a.AutoRefresh = 0
		}
		if o.single && a.Remote != nil && a.Remote.IMAP != nil {
			m := *a.Remote.IMAP // accounts may share a repository
			m.MaxConnections = 1
			a.Remote.IMAP = &m
		}
	}
	return cfg, problems, nil
}
