package imap

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/offlineimap/offlineimapd/sync/mail"
	"github.com/offlineimap/offlineimapd/sync/store"
)

// TestRemovalIsConfirmed: an OK to UID EXPUNGE that is not true, as Dovecot 2.3
// gives where another client has changed the mailbox, is not believed.
func TestRemovalIsConfirmed(t *testing.T) {
	for name, tc := range map[string]struct {
		lies     int  // how often UID EXPUNGE is answered OK without removing anything
		vanished bool // what is removed is told
		mute     bool // SEARCH is answered without saying anything
		expunges int  // sent
		searches int
		fails    bool
	}{
		"at once, and told":     {vanished: true, expunges: 1},
		"at once, and not told": {expunges: 1, searches: 1},
		"at the second time":    {lies: 1, vanished: true, expunges: 2, searches: 2},
		"never":                 {lies: 1000, expunges: 1 + confirmTries, searches: 1 + confirmTries, fails: true},
		"it does not say":       {lies: 1000, mute: true, expunges: 1, searches: 1},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			lies, there := tc.lies, true
			f := (&fake{answer: func(cmd string) string {
				mu.Lock()
				defer mu.Unlock()
				switch {
				case strings.HasPrefix(cmd, "SELECT"):
					return opened(7, 9, 1, 3)
				case strings.HasPrefix(cmd, "UID EXPUNGE"):
					if lies--; lies >= 0 {
						return "OK Expunge completed"
					}
					if there = false; tc.vanished {
						return "* VANISHED 2\r\nOK Expunge completed"
					}
				case strings.HasPrefix(cmd, "UID SEARCH"):
					switch {
					case tc.mute:
					case there:
						return "* SEARCH 2\r\nOK done"
					default:
						return "* SEARCH\r\nOK done"
					}
				}
				return ""
			}}).serve(t)
			err := f.store(nil).Open("INBOX", false).Begin().Remove(t.Context(), []mail.UID{2})
			if (err != nil) != tc.fails || err != nil && (store.ClassOf(err) != store.Temporary || store.ScopeOf(err) != store.ScopeFolder) {
				t.Errorf("error %v", err)
			}
			if n := len(f.commands("UID EXPUNGE")); n != tc.expunges {
				t.Errorf("%d times UID EXPUNGE: %q", n, f.commands(""))
			}
			searches := slices.DeleteFunc(f.commands("UID SEARCH"), func(c string) bool { return strings.Contains(c, "DELETED") })
			if len(searches) != tc.searches {
				t.Errorf("searched: %q", searches)
			}
		})
	}
}
