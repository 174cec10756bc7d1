package testenv

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
)

func TestMaildirSnapshot(t *testing.T) {
	root := t.TempDir()
	put := func(path, content string) {
		t.Helper()
		for _, sub := range []string{"cur", "new", "tmp"} {
			if err := os.MkdirAll(filepath.Join(root, filepath.Dir(filepath.Dir(path)), sub), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(root, path), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("INBOX/cur/2_1.1.h,U=12,FMD5=ab:2,SFR", "Subject: a\n\nb\n")
	put("INBOX/cur/1_1.1.h,U=3:2,", "Subject: a\r\n\r\nb\n")
	put("INBOX/new/other", "Subject: a\n\nb\r\n")
	put("INBOX/tmp/half", "")
	put("A.B/new/x!2,aS", "\r\n\n")
	if err := os.MkdirAll(filepath.Join(root, "no", "cur"), 0o700); err != nil {
		t.Fatal(err)
	}
	sum := func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }
	all := MaildirSnapshot(t, root)
	if len(all) != 2 || len(all["INBOX"]) != 4 || len(all["A.B"]) != 1 {
		t.Fatalf("%v", all)
	}
	want := []File{
		{Name: "half", Sub: "tmp", SHA256: sum("")},
		{Name: "other", Sub: "new", SHA256: sum("Subject: a\n\nb\r\n")},
		{Name: "1_1.1.h,U=3:2,", Sub: "cur", UID: 3, SHA256: sum("Subject: a\n\nb\n")},
		{Name: "2_1.1.h,U=12,FMD5=ab:2,SFR", Sub: "cur", UID: 12, Flags: "FRS", SHA256: sum("Subject: a\n\nb\n")},
	}
	for i, w := range want {
		got := all["INBOX"][i]
		if got.Time.IsZero() {
			t.Errorf("%s has no time", got.Name)
		}
		w.Time, w.Size = got.Time, got.Size
		if got != w {
			t.Errorf("got %v\nnot %v", got, w)
		}
	}
	if f := all["A.B"][0]; f.Flags != "Sa" || f.SHA256 != sum("\r\n\n") {
		t.Errorf("%v", f)
	}
}

func TestLFHash(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "\r": "\r", "\n": "\n", "\r\n": "\n", "\r\r\n": "\r\n", "a\rb\r\nc": "a\rb\nc", "\r\r": "\r\r", "\n\r": "\n\r",
	} {
		h := sha256.Sum256([]byte(want))
		whole, bytewise := newLFHash(), newLFHash()
		_, _ = whole.Write([]byte(in))
		for i := range len(in) {
			_, _ = bytewise.Write([]byte{in[i]})
		}
		if sum := hex.EncodeToString(h[:]); whole.Sum() != sum || bytewise.Sum() != sum {
			t.Errorf("%q is not %q", in, want)
		}
	}
	if err := iotest.TestReader(LargeMail("x", 1000).Open(), LargeMail("x", 1000).Bytes()); err != nil {
		t.Error(err)
	}
}
