package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestUI(t *testing.T) {
	const known = "ttyui, basic, quiet, syslog, machineui, blinkenlights"
	for s, w := range map[string][2]string{
		"ui = Quiet":                 {"quiet", ""},
		"ui = Noninteractive.Quiet":  {"quiet", "warning 3: [general] ui: an old name of the user interface quiet // write ui = quiet"},
		"ui = a.b.TTYUI":             {"ttyui", "warning 3: [general] ui: an old name of the user interface ttyui // write ui = ttyui"},
		"ui = Gtk.UI, TTY.TTYUI, x":  {"ttyui", "warning 3: [general] ui: a list of user interfaces: ttyui is taken, the first that there is // write ui = ttyui"},
		"ui = ttyui, basic":          {"ttyui", "warning 3: [general] ui: a list of user interfaces: ttyui is taken, the first that there is // write ui = ttyui"},
		"ui = ttyui ; or basic":      {"ttyui", "warning 3: [general] ui" + commentNote},
		"ui = TTY.TTYUI, basic ; b":  {"ttyui", "warning 3: [general] ui" + commentNote + "\nwarning 3: [general] ui: a list of user interfaces: ttyui is taken, the first that there is // write ui = ttyui"},
		"ui = curses":                {"", `error 3: [general] ui: "curses" is none of the user interfaces ` + known},
		"ui = baisc":                 {"", `error 3: [general] ui: "baisc" is none of the user interfaces ` + known + ` // did you mean "basic"?`},
		"ui = 'basic'":               {"", `error 3: [general] ui: "'basic'" is none of the user interfaces ` + known + " // write it without quotation marks"},
		"ui =":                       {"", `error 3: [general] ui: "" is none of the user interfaces ` + known},
		"ui = quiet.":                {"", `error 3: [general] ui: "quiet." is none of the user interfaces ` + known + ` // did you mean "quiet"?`},
		"autorefresh = 1\nui=syslog": {"syslog", "warning 3: [general] autorefresh: it has no effect in this section // it belongs in [Account …]"},
	} {
		c, problems := load(t, with("general", s))
		got := ""
		if c != nil {
			got = c.General.UI
		}
		if text := strings.Join(said(problems), "\n"); got != w[0] || text != w[1] {
			t.Errorf("%s: %q\n got %s\nwant %s", s, got, text, w[1])
		}
	}
}

func TestMBNames(t *testing.T) {
	complete := "[mbnames]\nenabled = yes\nfilename = ~/boxes\nheader = 'mailboxes '\nperitem = +%(accountname)s/%(foldername)s\nsep = ' '\nfooter = '\\n%%'\nincremental = yes\n" +
		"folderfilter = lambda a, f: True\nsort_keyfunc = lambda d: 1\n"
	c, problems := load(t, small+complete)
	if len(problems) > 0 {
		t.Fatal(said(problems))
	}
	m := c.General.MBNames
	for _, e := range []*Expression{&m.Header, &m.Sep, &m.Footer, &m.Filter, &m.SortKey} {
		if !strings.Contains(e.At, ": [mbnames] ") {
			t.Errorf("%+v", *e)
		}
		e.At = ""
	}
	if want := (MBNames{Enabled: true, Filename: "/home/me/boxes", PerItem: "+%(accountname)s/%(foldername)s", Header: Expression{Source: "'mailboxes '"},
		Sep: Expression{Source: "' '"}, Footer: Expression{Source: `'\n%'`}, Filter: Expression{Source: "lambda a, f: True"}, SortKey: Expression{Source: "lambda d: 1"},
		Incremental: true}); !reflect.DeepEqual(m, want) {
		t.Errorf("%+v\n%+v", m, want)
	}
	// Not enabled, it needs nothing, and no value of it is looked at.
	c, problems = load(t, small+"[mbnames]\nheader = )\nfooter = %\n")
	if len(problems) > 0 || !reflect.DeepEqual(c.General.MBNames, MBNames{}) {
		t.Errorf("%q %+v", said(problems), c.General.MBNames)
	}
	// Enabled, each is missed, and told with an example that is right.
	for _, name := range []string{"filename", "header", "peritem", "sep", "footer"} {
		var without []string
		for _, line := range strings.Split(complete, "\n") {
			if !strings.HasPrefix(line, name+" =") {
				without = append(without, line)
			}
		}
		src := small + strings.Join(without, "\n")
		c, problems := load(t, src)
		if c != nil || len(problems) != 1 || problems[0].Line != 17 || problems[0].Option != name || problems[0].Account != "" {
			t.Errorf("without %s: %q", name, said(problems))
			continue
		}
		example, _, _ := strings.Cut(strings.TrimPrefix(problems[0].Hint, "write for example "), ", or enabled = no")
		if c, problems := load(t, src+example+"\n"); c == nil || len(problems) > 0 {
			t.Errorf("with the hint %s: %q", example, said(problems))
		}
		if c, problems := load(t, src+name+" =\n"); c != nil || len(problems) != 1 || problems[0].Text != "it is empty" {
			t.Errorf("with an empty %s: %q", name, said(problems))
		}
	}
}

func TestLimits(t *testing.T) {
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.Local) }
	tomorrow := time.Now().AddDate(0, 0, 1).Format(time.DateOnly)
	toNineteenHundred := int(time.Since(time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)).Hours() / 24)
	for s, w := range map[string]struct {
		want Limits
		said string
	}{
		"maxsize = 1":          {Limits{MaxSize: 1}, ""},
		"maxsize = 20_000":     {Limits{MaxSize: 20000}, ""},
		"maxsize = 0":          {Limits{}, "error 7: [Account A] maxsize: no mail has 0 octets or less // write a number of octets, or remove the line to have mails of every size"},
		"maxsize = 10MB":       {Limits{}, `error 7: [Account A] maxsize: "10MB" is not a whole number // write a number of octets, or remove the line to have mails of every size`},
		"maxsize =":            {Limits{}, `error 7: [Account A] maxsize: "" is not a whole number // write a number of octets, or remove the line to have mails of every size`},
		"maxage = 3":           {Limits{MaxAge: 3}, ""},
		"maxage = 3 ; days":    {Limits{MaxAge: 3}, "warning 7: [Account A] maxage" + commentNote},
		"maxage = 2015-04-01":  {Limits{Since: day(2015, 4, 1)}, ""},
		"maxage = 2015-4-1":    {Limits{Since: day(2015, 4, 1)}, ""},
		"maxage = 1900-01-01":  {Limits{Since: day(1900, 1, 1)}, ""},
		"maxage = 1899-12-31":  {Limits{}, "error 7: [Account A] maxage: 1899-12-31 is before 1900 // write a later one, or remove the line to have mails of every age"},
		"maxage = 2015-02-30":  {Limits{}, `error 7: [Account A] maxage: "2015-02-30" is no date // write year, month and day as 2020-12-31`},
		"maxage = 01-04-2015":  {Limits{}, `error 7: [Account A] maxage: "01-04-2015" is no date // write year, month and day as 2020-12-31`},
		"maxage = 0":           {Limits{}, "error 7: [Account A] maxage: 0 is less than a day // write 1 or more, or remove the line to have mails of every age"},
		"maxage = -3":          {Limits{}, "error 7: [Account A] maxage: -3 is less than a day // write 1 or more, or remove the line to have mails of every age"},
		"maxage = 1w":          {Limits{}, `error 7: [Account A] maxage: "1w" is not a whole number of days and no date // write a number of days, or a date as 2020-12-31`},
		"maxage = " + tomorrow: {Limits{}, "error 7: [Account A] maxage: " + tomorrow + " is in the future // write an earlier one"},
		fmt.Sprint("maxage = ", toNineteenHundred-2): {Limits{MaxAge: toNineteenHundred - 2}, ""},
		fmt.Sprint("maxage = ", toNineteenHundred+2): {Limits{}, fmt.Sprintf("error 7: [Account A] maxage: %d days ago is before 1900 // write fewer, or remove the line to have mails of every age", toNineteenHundred+2)},
		"maxage = 9223372036854775807":               {Limits{}, "error 7: [Account A] maxage: 9223372036854775807 days ago is before 1900 // write fewer, or remove the line to have mails of every age"},
		"maxage = 9223372036854775808":               {Limits{}, `error 7: [Account A] maxage: "9223372036854775808" is out of range of days and no date // write a number of days, or a date as 2020-12-31`},
	} {
		c, problems := load(t, with("account", s))
		a := c.Account("A")
		if text := strings.Join(said(problems), "\n"); a.Limits != w.want || text != w.said || a.Refused() != strings.Contains(w.said, "error") {
			t.Errorf("%s: %+v\n got %s\nwant %s", s, a.Limits, text, w.said)
		}
	}
	c, problems := load(t, strings.Replace(with("local", "startdate = 2020-1-2"), "#remote", "startdate =", 1))
	if got := strings.Join(said(problems), "\n"); c.Account("A").Local.StartDate != day(2020, 1, 2) ||
		got != `error 16: [Repository R] startdate: "" is no date // write year, month and day as 2020-12-31` {
		t.Errorf("%s", got)
	}
	// One beginning is enough.
	for src, want := range map[string]string{
		strings.Replace(with("account", "maxage = 3"), "#local", "startdate = 2020-01-01", 1):        "error 7: [Account A] maxage: there may be one of maxage and startdate: there is maxage in [Account A] and startdate in [Repository L] // keep one of them",
		strings.Replace(with("remote", "startdate = 2021-01-01"), "#local", "startdate=2020-1-1", 1): "error 4: [Account A] there may be one of maxage and startdate: there is startdate in [Repository L] and startdate in [Repository R] // keep one of them",
		"[DEFAULT]\nmaxage = 7\n" + with("remote", "startdate = 2021-01-01"):                         "error 2: [DEFAULT] maxage: there may be one of maxage and startdate: there is maxage in [Account A] and startdate in [Repository R] // keep one of them",
	} {
		c, problems := load(t, src)
		if got := strings.Join(said(problems), "\n"); got != want || !c.Account("A").Refused() {
			t.Errorf("%s\n got %s\nwant %s", src, got, want)
		}
	}
}

func TestFilterHeaders(t *testing.T) {
	c, problems := load(t, with("account", "filterheaders = X-One , x-two,,X-Three: "))
	if got := c.Account("A").FilterHeaders; !reflect.DeepEqual(got, []string{"X-One", "x-two", "X-Three:"}) ||
		strings.Join(said(problems), "\n") != `warning 7: [Account A] filterheaders: no header field is called "X-Three:" // write names such as X-Spam-Status, separated by commas` {
		t.Errorf("%q %q", got, said(problems))
	}
}

// What [general] says of times is the default of every Maildir.
func TestTimesOfGeneral(t *testing.T) {
	for _, w := range []struct {
		general, local string
		utime, name    bool
	}{
		{"", "", false, false},
		{"utime_from_header = yes", "", true, false},
		{"filename_use_mail_timestamp = yes\nutime_from_header = yes", "utime_from_header = no", false, true},
		{"", "filename_use_mail_timestamp = yes\nrestoreatime = yes", false, true},
	} {
		c, problems := load(t, strings.Replace(with("general", w.general), "#local", w.local, 1))
		if m := c.Account("A").Local.Maildir; len(problems) > 0 || m.UTimeFromHeader != w.utime || m.FilenameTimestamp != w.name || m.RestoreATime != strings.Contains(w.local, "restoreatime") {
			t.Errorf("%+v: %+v %q", w, *m, said(problems))
		}
	}
	c, problems := load(t, with("general", "utime_from_header = perhaps"))
	if c != nil || len(problems) != 1 || problems[0].Line != 3 {
		t.Errorf("%q", said(problems))
	}
}

// A value that cannot be read is told even where nothing comes of it yet, and no
// warning stands beside the error.
func TestIdleValues(t *testing.T) {
	for _, w := range []struct{ mark, line, want string }{
		{"account", "quick = often", `error 7: [Account A] quick: "often" is not a whole number // write it in digits`},
		{"account", "quick = -1", ""},
		{"remote", "keepalive = 1m", `error 16: [Repository R] keepalive: "1m" is not a whole number // write it in digits`},
		{"remote", "retrycount = x", `error 16: [Repository R] retrycount: "x" is not a whole number // write it in digits`},
		{"remote", "retrycount = 5", ""},
		{"remote", "holdconnectionopen = maybe", `error 16: [Repository R] holdconnectionopen: "maybe" is neither yes nor no // write yes or no`},
		{"remote", "dynamic_folderfilter = x", `error 16: [Repository R] dynamic_folderfilter: "x" is neither yes nor no // write yes or no`},
		{"local", "dynamic_folderfilter = yes", ""},
		{"general", "ignore-keyring = x", `error 3: [general] ignore-keyring: "x" is neither yes nor no // write yes or no`},
		{"general", "ignore-keyring = yes", ""},
		{"general", "update-keyring = yes", "warning 3: [general] update-keyring: not used yet: no password is stored in a keyring"},
		{"remote", "idlefolders = ['INBOX'", "error 16: [Repository R] idlefolders: it is not a Python expression: '[' was never closed, in column 15"},
		{"remote", "sep = /", "warning 16: [Repository R] sep: obsolete: it has no effect // remove it: the server says what separates its folders"},
	} {
		if _, problems := load(t, with(w.mark, w.line)); strings.Join(said(problems), "\n") != w.want {
			t.Errorf("%s:\n got %q\nwant %s", w.line, said(problems), w.want)
		}
	}
}
