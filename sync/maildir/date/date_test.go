package date

import (
	netmail "net/mail"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var here = time.FixedZone("here", 3600)

func TestParse(t *testing.T) {
	const none = ""
	for value, want := range map[string]string{
		"Mon, 23 Nov 2026 09:00:00 +0100":                   "2026-11-23T08:00:00Z",
		"23 Nov 2026 09:00 -0530":                           "2026-11-23T14:30:00Z",
		"Sat, 1 Jan 2000 00:00:00 -0000":                    "2000-01-01T00:00:00Z",
		"Fri,\r\n 7 Mar 2025\r\n\t05:06:07 +0000":           "2025-03-07T05:06:07Z",
		"(a) 7 (Mar\\)(ch) Apr) Mar 2025 05:06:07 Z(ulu)":   "2025-03-07T05:06:07Z",
		"Fri, 7 Mar 2025 05:06:07 +0530 (never closed":      "2025-03-06T23:36:07Z",
		"Sat, 31 Dec 2016 23:59:60 +0000":                   "2017-01-01T00:00:00Z",
		"Tue, 1 Jul 03 12:34:56 EST":                        "2003-07-01T17:34:56Z",
		"1 Jul 49 12:34 PDT":                                "2049-07-01T19:34:00Z",
		"1 Jul 70 12:34 edt":                                "1970-07-01T16:34:00Z",
		"1 Jul 103 12:34:56 UT":                             "2003-07-01T12:34:56Z",
		"1 Jul 2003 12:34:56":                               "2003-07-01T11:34:56Z",
		"1 Jul 2003 12:34:56 MEST":                          "2003-07-01T11:34:56Z",
		"1 Jul 2003 12:34:56 +99:99":                        "2003-07-01T11:34:56Z",
		"1 Jul 2003 12:34:56 +02:00":                        "2003-07-01T10:34:56Z",
		"1 Jul 2003 12:34:56 +0200 CEST":                    "2003-07-01T10:34:56Z",
		"1 Jul 2003 12:34:56 EST +0200":                     "2003-07-01T17:34:56Z",
		"Thu Jul  3 14:55:01 EDT 2003":                      "2003-07-03T18:55:01Z",
		"Thu Jul  3 14:55:01 2003":                          "2003-07-03T13:55:01Z",
		"Thu, 03 Jul 2003 14.55.01 +0200":                   "2003-07-03T12:55:01Z",
		"Thursday,03 JULY 2003 14:55:01 +0200":              "2003-07-03T12:55:01Z",
		"3-Sept.-2003 14:55:01 +0200":                       "2003-09-03T12:55:01Z",
		"Jul 3, 2003 2:55:01 PM +0200":                      "2003-07-03T12:55:01Z",
		"Jul 3, 2003 12:05 am GMT":                          "2003-07-03T00:05:00Z",
		"\xd0\xbf\xd1\x8f\xd1\x82, 03 Jul 2003 14:55 +0200": "2003-07-03T12:55:00Z",
		"31 Dec 9999 23:59:59 +0000":                        "9999-12-31T23:59:59Z",

		"":                                    none,
		",":                                   none,
		"tomorrow":                            none,
		"2003-07-03T14:55:01Z":                none,
		"Thu, 03 Jul 2003":                    none,
		"Jul 2003 14:55:01":                   none,
		"32 Jul 2003 14:55:01 +0200":          none,
		"00 Jul 2003 14:55:01 +0200":          none,
		"31 Feb 2003 14:55:01 +0200":          none,
		"29 Feb 2023 14:55:01 +0200":          none,
		"3 Jul 2003 24:55:01 +0200":           none,
		"3 Jul 2003 14:60:01 +0200":           none,
		"3 Jul 2003 14:55:61 +0200":           none,
		"3 Jul 2003 14:55:01:02 +0200":        none,
		"3 Jul 2003 14:: +0200":               none,
		"3 Jul 2003 14:55 14:56":              none,
		"3 Jul 1969 14:55:01 +0200":           none,
		"31 Dec 9999 23:59:59 -0100":          none,
		"3 Jul 20003 14:55:01 +0200":          none,
		"3 Jul 99999999999999999999 14:55:01": none,
		"1 2 3 Jul 2003 14:55:01":             none,
		"1--- Jul 2003 14:55:01":              none,
	} {
		got, ok := Parse(value, here)
		text := none
		if ok {
			text = got.UTC().Format(time.RFC3339)
		}
		if text != want {
			t.Errorf("%q is read as %q, want %q", value, text, want)
		}
	}
}

// What is a date to RFC 5322 is the same one here; and nothing makes it fall over.
func TestParseLikeOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 253402000000).Draw(t, "seconds"), 0).In(time.FixedZone("", 60*rapid.IntRange(-14*60, 14*60).Draw(t, "zone")))
		layout := rapid.SampledFrom([]string{
			time.RFC1123Z, "2 Jan 2006 15:04:05 -0700", "Mon, _2 Jan 2006 15:04 -0700", "Mon, 02 Jan 2006 15:04:05 -0700 (CET)",
		}).Draw(t, "layout")
		text := at.Format(layout)
		want, err := netmail.ParseDate(text)
		got, ok := Parse(text, here)
		if y := at.UTC().Year(); err == nil && y >= 1970 && y <= 9999 && (!ok || !got.Equal(want)) {
			t.Fatalf("%q is read as %v, %v, want %v", text, got, ok, want)
		}
		Parse(rapid.StringMatching(`[-0-9:.,()+\\ JanPMGT]*`).Draw(t, "nonsense"), here)
	})
}
