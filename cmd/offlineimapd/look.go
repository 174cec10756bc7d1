package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/offlineimap/offlineimapd/internal/config"
)

// look tells of the configuration, and touches nothing.
func look(o options, stdout, stderr io.Writer) int {
	path, err := config.Find(o.config, os.Getenv)
	if err != nil {
		fmt.Fprintf(stderr, "offlineimapd: %v\n", err)
		return exitConfig
	}
	if o.path {
		fmt.Fprintln(stdout, path)
		return exitOK
	}
	cfg, problems, err := o.read(path)
	if err != nil {
		if !errors.Is(err, config.ErrInvalid) {
			fmt.Fprintf(stderr, "offlineimapd: %v\n", err)
		}
		showConfig(stderr, problems)
		return exitConfig
	}
	if wanted := o.accounts; len(wanted) > 0 {
		problems = cfg.Relevant(wanted)
		for _, name := range wanted {
			if cfg.Account(name) == nil {
				problems = append(problems, cfg.Unknown(name))
			}
		}
	}
	showConfig(stderr, problems)
	if o.check && len(problems) == 0 {
		fmt.Fprintf(stdout, "%s: no problem\n", path)
	}
	if o.show {
		e := json.NewEncoder(stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(shown(cfg, o.accounts)); err != nil {
			fmt.Fprintf(stderr, "offlineimapd: write the configuration: %v\n", err)
			return exitError
		}
	}
	if slices.ContainsFunc(problems, func(p config.Problem) bool { return p.Severity == config.Error }) {
		return exitConfig
	}
	return exitOK
}

// shownAccount is what --show-config prints of an account: only what is in
// force, with defaults, and secrets as where they come from.
type shownAccount struct {
	Name            string        `json:"name"`
	Enabled         bool          `json:"enabled"` // [general] lists it, and it can be run
	IntervalSeconds float64       `json:"interval_seconds"`
	UTF8FolderNames bool          `json:"utf8_folder_names"`
	Local           *shownMaildir `json:"local,omitempty"`
	Remote          *shownIMAP    `json:"remote,omitempty"`
}

type shownRepository struct {
	Name          string `json:"name"`
	Type          string `json:"type"`
	ReadOnly      bool   `json:"readonly"`
	CreateFolders bool   `json:"createfolders"`
	SyncDeletes   bool   `json:"sync_deletes"`
}

type shownMaildir struct {
	shownRepository
	LocalFolders string            `json:"localfolders"`
	Sep          string            `json:"sep"`
	CustomFlags  map[string]string `json:"customflags,omitempty"`
}

type shownIMAP struct {
	shownRepository
	Host             string   `json:"remotehost"`
	Port             int      `json:"remoteport"`
	User             string   `json:"remoteuser"`
	Password         string   `json:"password"` // where it comes from
	SSL              bool     `json:"ssl"`
	StartTLS         bool     `json:"starttls"`
	CACertFile       string   `json:"sslcacertfile,omitempty"`
	CertFingerprints []string `json:"cert_fingerprint,omitempty"`
	AuthMechanisms   []string `json:"auth_mechanisms"`
	Tunnel           bool     `json:"tunnel"`
	Evaluated        bool     `json:"evaluated"` // an expression says which server, or which port
	MaxConnections   int      `json:"maxconnections"`
	Expunge          bool     `json:"expunge"`
}

func shown(cfg *config.Config, only []string) any {
	accounts := []shownAccount{}
	for _, a := range cfg.Accounts {
		if len(only) > 0 && !slices.Contains(only, a.Name) {
			continue
		}
		out := shownAccount{
			Name: a.Name, Enabled: slices.Contains(cfg.General.Accounts, a.Name) && !a.Refused(),
			IntervalSeconds: interval(a).Seconds(), UTF8FolderNames: a.UTF8FolderNames,
		}
		if r := a.Local; r != nil && r.Maildir != nil {
			out.Local = &shownMaildir{shownRepository: repository(r), LocalFolders: r.Maildir.LocalFolders, Sep: string(rune(r.Maildir.Sep)), CustomFlags: map[string]string{}}
			for letter, keyword := range r.Maildir.CustomFlags {
				out.Local.CustomFlags[string(rune(letter))] = keyword
			}
		}
		if r := a.Remote; r != nil && r.IMAP != nil {
			m := r.IMAP
			out.Remote = &shownIMAP{
				shownRepository: repository(r), Host: m.Host, Port: m.Port, User: cmp.Or(evaluated(m.UserEval), m.User),
				Password: cmp.Or(evaluated(m.PassEval), m.Password.String()), SSL: m.SSL, StartTLS: startTLS(m),
				CACertFile: m.CACertFile, CertFingerprints: m.CertFingerprints, AuthMechanisms: m.AuthMechanisms,
				Tunnel: m.PreauthTunnel+m.TransportTunnel != "", Evaluated: m.HostEval.Source+m.PortEval.Source != "", MaxConnections: m.MaxConnections, Expunge: m.Expunge,
			}
		}
		accounts = append(accounts, out)
	}
	return struct {
		Version  int            `json:"version"`
		Path     string         `json:"path"`
		Metadata string         `json:"metadata"`
		Accounts []shownAccount `json:"accounts"`
	}{1, cfg.Path, cfg.General.Metadata, accounts}
}

func repository(r *config.Repository) shownRepository {
	return shownRepository{r.Name, r.Type, r.ReadOnly, r.CreateFolders, r.SyncDeletes}
}

// evaluated stands for what an expression gives; "" where there is none.
func evaluated(e config.Expression) string {
	if e.Source == "" {
		return ""
	}
	return "(by an expression)"
}
