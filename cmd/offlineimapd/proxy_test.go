package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

// listening starts a program that listens on a port of its own.
func listening(t *testing.T, start func(port string) *exec.Cmd) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = ln.Addr().String()
	ln.Close()
	_, port, _ := net.SplitHostPort(addr)
	cmd := start(port)
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s (a Debian package of that name): %v", filepath.Base(cmd.Path), err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for range 200 {
		if nc, err := net.Dial("tcp", addr); err == nil {
			nc.Close()
			return addr
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s does not listen", cmd.Path)
	return ""
}

// The server is called through the proxy and in no other way: by its name, which
// only the proxy looks up; and so is the provider of tokens.
func TestProxy(t *testing.T) {
	t.Parallel()
	at := newProvider(t)
	srv := testenv.Dovecot(t, testenv.DovecotOptions{OAuth: at.URL + "/introspect"})
	socks := listening(t, func(port string) *exec.Cmd { return exec.Command("microsocks", "-i", "127.0.0.1", "-p", port) })
	log := filepath.Join(t.TempDir(), "log")
	web := listening(t, func(port string) *exec.Cmd {
		conf := filepath.Join(t.TempDir(), "conf")
		if err := os.WriteFile(conf, fmt.Appendf(nil, "Port %s\nListen 127.0.0.1\nTimeout 60\nLogFile \"%s\"\nLogLevel Connect\n", port, log), 0o644); err != nil {
			t.Fatal(err)
		}
		return exec.Command("tinyproxy", "-d", "-c", conf)
	})
	for _, tc := range []struct {
		proxy string
		works bool
	}{
		{"SOCKS5:" + socks, true},
		{"HTTP:" + web, true},
		{"SOCKS5:127.0.0.1:1", false},
		{"SOCKS4:127.0.0.1:1", false},
		{"HTTP:127.0.0.1:1", false},
	} {
		t.Run(tc.proxy, func(t *testing.T) {
			p := newPerson(t, srv)
			at.mu.Lock()
			at.grants["r-"+p.user] = p.user
			at.mu.Unlock()
			p.mailer().Append("INBOX", body(1), time.Time{})
			p.more = "oauth2_client_id = app\noauth2_client_secret = s3cret\noauth2_request_url = " + at.URL + "/token\noauth2_refresh_token = r-" + p.user
			p.configure()
			b, err := os.ReadFile(p.config())
			p.must(err)
			text := regexp.MustCompile("(?m)^remotepass = .*$").ReplaceAllString(string(b), "")
			text = strings.Replace(text, "remotehost = 127.0.0.1", "remotehost = localhost", 1)
			text = strings.Replace(text, "[Account work]", "[Account work]\nproxy = "+tc.proxy, 1)
			p.must(os.WriteFile(p.config(), []byte(text), 0o600))
			asked := at.asked
			status, out, errs := p.run()
			if tc.works && (status != exitOK || !strings.Contains(out, "1 downloaded")) {
				t.Errorf("status %d\n%s%s", status, out, errs)
			}
			if !tc.works && (status != exitError || !strings.Contains(errs, "through the proxy 127.0.0.1:1") || at.asked != asked) {
				t.Errorf("without its proxy: status %d\n%s%s", status, out, errs)
			}
		})
	}
	_, port, _ := net.SplitHostPort(srv.Addr())
	if b, err := os.ReadFile(log); err != nil || !strings.Contains(string(b), "localhost:"+port) {
		t.Errorf("the proxy was not asked for the name: %v\n%s", err, b)
	}
}
