package testenv

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func (d *dovecot) writeConfig() {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, "dovecot.conf"), []byte(d.config()), 0o644); err != nil {
		d.t.Fatalf("write Dovecot's configuration: %v", err)
	}
}

// config returns dovecot.conf. Everything runs as one user without chroot,
// since an ordinary user can do neither; limits are far above what a test needs.
func (d *dovecot) config() string {
	var sb strings.Builder
	put := func(format string, args ...any) { fmt.Fprintf(&sb, format+"\n", args...) }
	modern := d.version[0] > 2 || d.version[1] >= 4
	if modern {
		put("dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0")
	}
	put("base_dir = %s/run\nstate_dir = %s/state\nlog_path = %s/log", d.dir, d.dir, d.dir)
	put("default_internal_user = %s\ndefault_internal_group = %s\ndefault_login_user = %s", d.user, d.group, d.user)
	put("protocols = imap\nlisten = 127.0.0.1\nfirst_valid_uid = 0\nfirst_valid_gid = 0")
	put("default_process_limit = 2000\ndefault_client_limit = 10000\ndefault_vsz_limit = 4G")
	put("auth_mechanisms = plain login scram-sha-1 scram-sha-256%s\nauth_failure_delay = 0", map[bool]string{true: " xoauth2 oauthbearer"}[d.o.OAuth != ""])
	d.putOAuth(put, modern)
	put("mail_max_userip_connections = 0\nmail_fsync = %s\nmail_save_crlf = yes", cmp.Or(d.o.Fsync, "never"))
	d.putTLS(put, modern)
	count, unlimited := "service_count", "0"
	if modern {
		count, unlimited = "restart_request_count", "unlimited"
	}
	put("service imap-login {\n chroot =\n %s = %s\n process_min_avail = 1\n client_limit = 4000", count, unlimited)
	put(" inet_listener imap {\n  port = %d\n }", d.port)
	if d.o.TLS {
		put(" inet_listener imaps {\n  port = %d\n  ssl = yes\n }", d.tlsPort)
	} else {
		put(" inet_listener imaps {\n  port = 0\n }")
	}
	put("}")
	// A process that serves one session after another saves a fork for each.
	put("service imap {\n process_limit = 2000\n %s = 200\n}", count)
	put("service anvil {\n chroot =\n}\nservice stats {\n chroot =\n}")
	if d.o.Capability != "" {
		put("imap_capability = %s", d.o.Capability)
	}
	format := cmp.Or(d.o.Format, "sdbox")
	if modern {
		put("passdb static {\n password = pass\n}")
		put("userdb static {\n fields {\n  uid = %d\n  gid = %d\n }\n}", d.uid, d.gid)
		put("mail_home = %s/home/%%{user}\nmail_driver = %s\nmail_path = ~/mail", d.dir, format)
	} else {
		put("passdb {\n driver = static\n args = password=pass\n}")
		put("userdb {\n driver = static\n args = uid=%d gid=%d\n}", d.uid, d.gid)
		put("mail_home = %s/home/%%u\nmail_location = %s:~/mail", d.dir, format)
	}
	put("namespace inbox {\n inbox = yes\n separator = %s\n}", cmp.Or(d.o.Separator, "/"))
	// From 2.4 on COMPRESS is no plugin.
	if !modern && !slices.Contains(d.o.Hide, "COMPRESS=DEFLATE") {
		put("protocol imap {\n mail_plugins = zlib imap_zlib\n}")
	}
	sb.WriteString(d.o.Config)
	sb.WriteString("\n")
	return sb.String()
}

// putOAuth has tokens count as passwords, if the server that is asked about them
// says whose they are.
func (d *dovecot) putOAuth(put func(string, ...any), modern bool) {
	if d.o.OAuth == "" {
		return
	}
	if modern {
		put("passdb oauth2 {\n mechanisms_filter = xoauth2 oauthbearer\n}")
		put("oauth2 {\n introspection_mode = post\n introspection_url = %s\n active_attribute = active\n active_value = true\n username_attribute = username\n}", d.o.OAuth)
		return
	}
	path := filepath.Join(d.dir, "oauth2.conf")
	text := fmt.Sprintf("introspection_mode = post\nintrospection_url = %s\nactive_attribute = active\nactive_value = true\nusername_attribute = username\n", d.o.OAuth)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		d.t.Fatalf("write Dovecot's configuration: %v", err)
	}
	put("passdb {\n driver = oauth2\n mechanisms = xoauth2 oauthbearer\n args = %s\n}", path)
}

func (d *dovecot) putTLS(put func(string, ...any), modern bool) {
	switch {
	case d.o.TLS && modern:
		put("ssl = yes\nssl_server_cert_file = %s\nssl_server_key_file = %s\nauth_allow_cleartext = yes", d.cert, d.key)
	case d.o.TLS:
		put("ssl = yes\nssl_cert = <%s\nssl_key = <%s\ndisable_plaintext_auth = no", d.cert, d.key)
	case modern:
		put("ssl = no\nauth_allow_cleartext = yes")
	default:
		put("ssl = no\ndisable_plaintext_auth = no")
	}
}

// writeCert makes a certificate for localhost and 127.0.0.1 that signs itself.
func writeCert(t T, dir string, uid, gid int) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("make a key: %v", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               pkix.Name{CommonName: "localhost"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(24 * time.Hour),
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatalf("make a certificate: %v", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatalf("encode a key: %v", err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: der},
		key:  {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatalf("write %s: %v", path, err)
		}
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatalf("write %s: %v", path, err)
		}
	}
	return cert, key
}
