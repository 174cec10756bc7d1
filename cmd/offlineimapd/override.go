package main

import (
	"github.com/offlineimap/offlineimapd/internal/config"
)

// read reads the configuration at path, with what the command line says against
// it. Effects come in OfflineIMAP's order: -k first, so that a flag goes before it.
func (o *options) read(path string) (*config.Config, []config.Problem, error) {
	cfg, problems, err := config.Load(path, o.overrides...)
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
