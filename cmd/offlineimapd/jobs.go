package main

import (
	"context"

	"github.com/offlineimap/offlineimapd/internal/config"
)

// jobs does what is asked for instead of a run.
func (f *front) jobs(ctx context.Context, accounts []*config.Account) {
}
