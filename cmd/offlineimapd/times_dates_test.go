package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/internal/testenv"
)

var updateDates = flag.Bool("update-dates", false, "write testdata/dates.txt anew")

// datedMails are headers of mails, as the world writes them.
var datedMails = []string{
	// As RFC 5322 has it.
	"Date: Mon, 23 Nov 2015 09:00:00 +0100",
	"Date: 23 Nov 2015 09:00:00 +0000",
	"Date: Mon, 23 Nov 2015 09:00 -0500",
	"Date: Sat, 1 Jan 2000 00:00:00 -0000",
	"date:Tue, 29 Feb 2024 23:59:59 +1400",
	"DATE:   Wed, 31 Dec 1997 10:00:00 -1200",
	"Date: Fri, 7 Mar 2025 05:06:07 +0530 (IST)",
	"Date: Fri, 7 Mar 2025 05:06:07 +0530 (a (nested) comment)",
	"Date: Fri,\r\n 7 Mar 2025\r\n\t05:06:07 +0000",
	"Date: Sat, 31 Dec 2016 23:59:60 +0000",
	// As RFC 822 had it.
	"Date: Tue, 1 Jul 97 12:34:56 GMT",
	"Date: Tue, 1 Jul 03 12:34:56 EST",
	"Date: 1 Jul 68 12:34 PDT",
	"Date: 1 Jul 69 12:34:56 UT",
	"Date: Tue, 1 Jul 2003 12:34:56 Z",
	"Date: Tue, 1 Jul 2003 12:34:56 MEST",
	"Date: Tue, 1 Jul 103 12:34:56 +0000",
	// As others have it.
	"Date: Thu Jul  3 14:55:01 2003",
	"Date: Thu Jul  3 14:55:01 EDT 2003",
	"Date: Thu, 03 Jul 2003 14.55.01 +0200",
	"Date: Thursday, 03 July 2003 14:55:01 +0200",
	"Date: 03-Jul-2003 14:55:01 +0200",
	"Date: Thu, 03 Jul 2003 14:55:01",
	"Date: Thu, 03 Jul 2003 14:55:01 GMT+0200",
	"Date: Thu, 03 Jul 2003 14:55:01 +02:00",
	"Date: Thu,03 Jul 2003 14:55:01 +0200",
	"Date: Jul 3, 2003 14:55:01 +0200",
	"Date: 2003-07-03 14:55:01 +0200",
	"Date: 2003-07-03T14:55:01Z",
	"Date: Thu, 03 JUL 2003 14:55:01 +0200",
	"Date: Xyz, 03 Jul 2003 14:55:01 +0200",
	"Date: Thu, 03 Jul 2003 14:55:01 +9999",
	"Date: =?utf-8?Q?Thu,_03_Jul_2003_14:55:01_+0200?=",
	"Date: Thu, 3 Jul 2003 2:55 PM +0200",
	// Nonsense.
	"Date: Thu, 32 Jul 2003 14:55:01 +0200",
	"Date: Thu, 31 Feb 2003 25:61:61 +0200",
	"Date: Thu, 03 Jul 1902 14:55:01 +0200",
	"Date: Thu, 03 Jul 1960 14:55:01 +0200",
	"Date: Thu, 03 Jul 1975 14:55:01 +0200",
	"Date: Thu, 03 Jul 2103 14:55:01 +0200",
	"Date: tomorrow",
	"Date:",
	"X-Date: Mon, 23 Nov 2015 09:00:00 +0100",
	"Delivery-Date: Mon, 23 Nov 2015 09:00:00 +0100",
	"Date: never\r\nDelivery-date: Mon, 23 Nov 2015 09:00:00 +0100",
	"Date: Mon, 23 Nov 2015 09:00:00 +0100\r\nDate: Tue, 24 Nov 2015 09:00:00 +0100",
	"Received: by here; Mon, 23 Nov 2015 09:00:00 +0100",
	"Date: \xd0\xbf\xd1\x8f\xd1\x82, 03 Jul 2003 14:55:01 +0200",
}

// TestDates compares what is made of dates with what OfflineIMAP makes of them:
// the time of the file, with utime_from_header, and the number in its name, with
// filename_use_mail_timestamp.
func TestDates(t *testing.T) {
	srv := testenv.Dovecot(t, testenv.DovecotOptions{})
	arrived := time.Date(2020, 5, 5, 5, 5, 5, 0, time.UTC)
	p := newPerson(t, srv)
	p.moreLocal = "utime_from_header = yes\nfilename_use_mail_timestamp = yes"
	p.configure()
	m := p.mailer()
	for i, h := range datedMails {
		m.Append("INBOX", fmt.Appendf(nil, "From: a@example.org\r\nMessage-ID: <%d@x>\r\n%s\r\nSubject: %[1]d\r\n\r\nText.\r\n", i, h), arrived)
	}
	// Without a zone a time is a local one, so both run where that is UTC.
	times := func(name string, args ...string) (all [][2]string) {
		t.Helper()
		cmd := exec.Command(name, append(args, "-c", p.config())...)
		cmd.Env = append(os.Environ(), "HOME="+p.dir, "PYTHONWARNINGS=ignore", "TZ=UTC", beProgram+"=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s (Debian package offlineimap3): %v\n%s", name, err, out)
		}
		show := func(at time.Time) string {
			switch d := time.Since(at); {
			case at.Equal(arrived):
				return "arrival"
			case d > -time.Hour && d < time.Hour:
				return "now"
			}
			return at.UTC().Format(time.RFC3339)
		}
		files := testenv.MaildirSnapshot(t, p.root())["INBOX"]
		slices.SortFunc(files, func(a, b testenv.File) int { return cmp.Compare(a.UID, b.UID) })
		for _, f := range files {
			digits, _, _ := strings.Cut(f.Name, "_")
			n, err := strconv.ParseInt(digits, 10, 64)
			if err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
			all = append(all, [2]string{show(f.Time), show(time.Unix(n, 0))})
		}
		if len(all) != len(datedMails) {
			t.Fatalf("%s has brought %d of %d mails", name, len(all), len(datedMails))
		}
		p.must(os.RemoveAll(p.root()))
		p.must(os.RemoveAll(filepath.Join(p.dir, "state")))
		return all
	}
	theirs, ours := times("offlineimap", "-o", "-u", "quiet"), times(os.Args[0], "--once")
	var got bytes.Buffer
	fmt.Fprintf(&got, "%-21s%-21s%-21s%-21s\n", "# file", "name", "OfflineIMAP: file", "name")
	for i, h := range datedMails {
		fmt.Fprintf(&got, "%-21s%-21s%-21s%-21s%q\n", ours[i][0], ours[i][1], theirs[i][0], theirs[i][1], h)
	}
	const golden = "testdata/dates.txt"
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Error(err)
	}
	if d := difference(got.String(), string(want)); d != "" {
		t.Errorf("not as %s has it: %s", golden, d)
		if *updateDates {
			p.must(os.WriteFile(golden, got.Bytes(), 0o666))
		}
	}
}
