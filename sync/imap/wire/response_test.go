package wire

import (
	"context"
	"strings"
	"testing"
)

// TestResponses has every kind of response, and what a caller learns of it.
func TestResponses(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"* 12 EXISTS", "exists 12"},
		{"* 0 exists", "exists 0"},
		{"* 3 EXPUNGE", "expunge 3"},
		{"* 5 RECENT", ""},
		{"* VANISHED 300:310,405,411", "vanished 300:310,405,411 earlier=false"},
		{"* VANISHED (EARLIER) 41,43:116", "vanished 41,43:116 earlier=true"},
		{"* vanished (earlier) 9:7,1,2", "vanished 1:2,7:9 earlier=true"},

		{"* 1 FETCH (UID 7 FLAGS (\\Seen $Label1))", "fetch seq=1 uid=7 flags=[\\Seen $Label1]"},
		{"* 1 FETCH (FLAGS () UID 7)", "fetch seq=1 uid=7 flags=[]"},
		{"* 1 fetch (uid 7 flags (\\seen) modseq (12121231000))", "fetch seq=1 uid=7 flags=[\\seen] modseq=12121231000"},
		{"* 2 FETCH (UID 4294967295 RFC822.SIZE 44827)", "fetch seq=2 uid=4294967295 size=44827"},
		{"* 2 FETCH (INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" UID 1)", "fetch seq=2 uid=1 date=1996-07-17T09:44:25Z"},
		{"* 2 FETCH (INTERNALDATE \" 7-Jul-1996 02:44:25 +0000\" UID 1)", "fetch seq=2 uid=1 date=1996-07-07T02:44:25Z"},
		{"* 1 FETCH (UID 1 BODY[] {5}\r\na\r\nb) FLAGS (\\Seen))", "body seq=1 uid=1 [] size=5 \"a\\r\\nb)\" err=<nil>\nfetch seq=1 uid=1 flags=[\\Seen]"},
		{"* 1 FETCH (BODY[] {0}\r\n UID 7)", "body seq=1 uid=0 [] size=0 \"\" err=<nil>\nfetch seq=1 uid=7"},
		{"* 1 FETCH (BODY[] {3}\r\nabc UID 7)", "body seq=1 uid=0 [] size=3 \"abc\" err=<nil>\nfetch seq=1 uid=7"},
		{"* 1 FETCH (UID 1 BODY[] \"a\\\"b\")", "body seq=1 uid=1 [] size=3 \"a\\\"b\" err=<nil>\nfetch seq=1 uid=1"},
		{"* 1 FETCH (UID 1 BODY[] \"\")", "body seq=1 uid=1 [] size=0 \"\" err=<nil>\nfetch seq=1 uid=1"},
		{"* 1 FETCH (UID 1 BODY[] NIL)", "fetch seq=1 uid=1"},
		{"* 1 FETCH (UID 1 BODY[HEADER.FIELDS (Date \"Message-ID\")] {3}\r\na:b)", "body seq=1 uid=1 [HEADER.FIELDS (DATE \"MESSAGE-ID\")] size=3 \"a:b\" err=<nil>\nfetch seq=1 uid=1"},
		{"* 1 FETCH (UID 1 BODY[]<10> {1}\r\nx BODY[1.MIME] {1}\r\ny)", "body seq=1 uid=1 [<10>] size=1 \"x\" err=<nil>\nbody seq=1 uid=1 [1.MIME] size=1 \"y\" err=<nil>\nfetch seq=1 uid=1"},
		{"* 1 FETCH (UID 1 BINARY[] ~{3}\r\na\x00b)", "body seq=1 uid=1 [] size=3 \"a\\x00b\" err=<nil>\nfetch seq=1 uid=1"},
		{"* 1 FETCH (UID 1 BINARY.SIZE[1] 77)", "fetch seq=1 uid=1 BINARY.SIZE[1]=77"},
		{"* 1 FETCH (UID 1 RFC822 {3}\r\nabc RFC822.HEADER {1}\r\nh RFC822.TEXT {1}\r\nt)", "body seq=1 uid=1 [] size=3 \"abc\" err=<nil>\nbody seq=1 uid=1 [HEADER] size=1 \"h\" err=<nil>\nbody seq=1 uid=1 [TEXT] size=1 \"t\" err=<nil>\nfetch seq=1 uid=1"},
		{"* 1 FETCH (UID 1 X-GM-MSGID 1278455344230334865 X-GM-LABELS (\"\\\\Inbox\" {3}\r\na\"b Foo))", "fetch seq=1 uid=1 X-GM-LABELS=(\"\\\\Inbox\" \"a\\\"b\" Foo) X-GM-MSGID=1278455344230334865"},
		{"* 1 FETCH (EMAILID (M6d99ac3275bb4e) THREADID NIL UID 1)", "fetch seq=1 uid=1 EMAILID=(M6d99ac3275bb4e) THREADID=NIL"},
		{"* 1 FETCH (UID 1 BODYSTRUCTURE ((\"text\" \"plain\" (\"charset\" {5}\r\nutf-8) NIL NIL \"7bit\" -1 3)(\"a\" \"b\") \"mixed\"))", "fetch seq=1 uid=1 BODYSTRUCTURE=((\"text\" \"plain\" (\"charset\" \"utf-8\") NIL NIL \"7bit\" -1 3) (\"a\" \"b\") \"mixed\")"},

		{"* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)", "status \"blurdybloop\" messages=true/231 unseen=false/0 next=44292 validity=0 modseq=0 size=-1 limit=-1 id="},
		{"* STATUS \"a \\\"b\" (messages 0 UIDVALIDITY 5 HIGHESTMODSEQ 0 UNSEEN 1 SIZE 44421 MAILBOXID (F21) APPENDLIMIT NIL X-NEW (1 (2)))", "status \"a \\\"b\" messages=true/0 unseen=true/1 next=0 validity=5 modseq=0 size=44421 limit=-1 id=F21"},
		{"* STATUS {3}\r\na\"b (HIGHESTMODSEQ 9223372036854775807 APPENDLIMIT 35651584)", "status \"a\\\"b\" messages=false/0 unseen=false/0 next=0 validity=0 modseq=9223372036854775807 size=-1 limit=35651584 id="},
		{"* STATUS NIL (MESSAGES 1 )", "status \"NIL\" messages=true/1 unseen=false/0 next=0 validity=0 modseq=0 size=-1 limit=-1 id="},

		{"* LIST (\\hasnochildren \\Sent) \"/\" \"Sent Mail\"", "list \"Sent Mail\" delim='/' attrs=[\\HasNoChildren \\Sent] old=\"\" lsub=false"},
		{"* LIST () NIL INBOX", "list \"INBOX\" delim='\\x00' attrs=[] old=\"\" lsub=false"},
		{"* LIST (\\X-Own) \"\\\\\" {4}\r\na\\\"b", "list \"a\\\\\\\"b\" delim='\\\\' attrs=[\\X-Own] old=\"\" lsub=false"},
		{"* LIST () \".\" a (\"CHILDINFO\" (\"SUBSCRIBED\") OLDNAME (\"b c\"))", "list \"a\" delim='.' attrs=[] old=\"b c\" lsub=false"},
		{"* LIST () \"/\" nil", "list \"nil\" delim='/' attrs=[] old=\"\" lsub=false"},
		{"* LSUB () \"/\" [Gmail]/Entw&APw-rfe", "list \"[Gmail]/Entw&APw-rfe\" delim='/' attrs=[] old=\"\" lsub=true"},
		{"* XLIST (\\Inbox) \"/\" \"Posta\"", "list \"Posta\" delim='/' attrs=[\\Inbox] old=\"\" lsub=false"},

		{"* SEARCH", "search  uid=true count=false/0 min=0 max=0 modseq=0"},
		{"* SEARCH 2 3 84 882", "search 2:3,84,882 uid=true count=false/0 min=0 max=0 modseq=0"},
		{"* SEARCH 9 2 1 8 2 (MODSEQ 917162500)", "search 1:2,8:9 uid=true count=false/0 min=0 max=0 modseq=917162500"},
		{"* ESEARCH (TAG \"A9\") UID COUNT 17 ALL 4:18,21,28 MIN 4 MAX 28 MODSEQ 5 X-NEW (1 2)", "search 4:18,21,28 uid=true count=true/17 min=4 max=28 modseq=5"},
		{"* ESEARCH UID", "search  uid=true count=false/0 min=0 max=0 modseq=0"},
		{"* ESEARCH (TAG A9) COUNT 0", "search  uid=false count=true/0 min=0 max=0 modseq=0"},

		{"* FLAGS (\\Answered \\Seen $Forwarded)", "flags [\\Answered \\Seen $Forwarded] permanent=false"},
		{"* OK [PERMANENTFLAGS (\\Seen a]b \\*)] Limited", "flags [\\Seen a]b \\*] permanent=true\ncode PERMANENTFLAGS \"(\\\\Seen a]b \\\\*)\"\ntext OK PERMANENTFLAGS \"Limited\""},
		{"* OK [uidvalidity 3857529045] UIDs valid", "code UIDVALIDITY \"3857529045\"\ntext OK UIDVALIDITY \"UIDs valid\""},
		{"* OK [NOMODSEQ] Sorry", "code NOMODSEQ \"\"\ntext OK NOMODSEQ \"Sorry\""},
		{"* NO Disk is 98%% full", "text NO  \"Disk is 98% full\""},
		{"* OK Still here {5}", "text OK  \"Still here {5}\""},
		{"* BAD \x1b[31mred\x07 \xff", "text BAD  \"?[31mred? ?\""},
		{"* ENABLED CONDSTORE qresync", "enabled [CONDSTORE QRESYNC]"},
		{"* NAMESPACE ((\"\" \"/\")(\"#mh/\" \"/\" \"X-PARAM\" (\"a\"))) ((\"~\" \"/\")) NIL", "namespace [{ 47} {#mh/ 47}] [{~ 47}] []"},
		{"* ID (\"Name\" \"Cyrus\" \"version\" NIL)", "id map[name:Cyrus version:]"},
		{"* ID NIL", "id map[]"},
	} {
		r := &recorder{}
		c := scripted(t, "", answering(strings.ReplaceAll(tt.in, "%%", "%")+"\r\n"))
		run(t, c, r.handler(), Noop())
		if got := r.String(); got != tt.want {
			t.Errorf("%q\n got %s\nwant %s", tt.in, got, tt.want)
		}
		if n := c.Stats().Skipped; n != 0 {
			t.Errorf("%q: %d responses were skipped", tt.in, n)
		}
		run(t, c, nil, Noop())
	}
}

// TestMalformed has what broken servers were seen or feared to send. Each may
// cost its own response, never the next one or the connection.
func TestMalformed(t *testing.T) {
	const next = "* 1 FETCH (UID 77)\r\n"
	for _, tt := range []struct {
		in      string
		skipped int64
	}{
		{"", 0},
		{"\r\n", 0},
		{"\n", 0},
		{"\r\n\r\n", 0},
		{" ", 1},
		{"*", 1},
		{"* ", 1},
		{"* 5", 1},
		{"garbage", 1},
		{"garbage {3}\r\nabc", 1},
		{"A0 OK stray", 0},
		{"A99999 OK stray", 0},
		{"A99999999999999 OK stray", 1},
		{"A1", 1},
		{"A1 ", 1},
		{"A1 OKAY done", 1},
		{"T0 OK stray", 1},
		{"+ idling", 0},
		{"+", 0},
		{"* OK", 0},
		{"* OK [UNSEEN 5", 0},
		{"* OK []", 0},
		{"* OK [", 0},
		{"* BAD", 0},
		{"* FOO bar", 0},
		{"* FOO bar {3}\r\nabc baz", 0},
		{"* INPROGRESS", 0},
		{"* METADATA \"\" (/shared/comment {6}\r\n* 1 FE)", 0},
		{"* LIST () \"\" x", 0},
		{"* LIST () \"/\" Отправленные", 0},
		{"* LIST () \"/\" \"R&D\"", 0},
		{"* LIST () \"/\" \"Entw\xfcrfe\"", 0},
		{"* LIST () \"/\" \"a\tb\"", 0},
		{"* LIST () \"/\" Sent Items", 1},
		{"* LIST () \"/\"", 1},
		{"* LIST NIL \"/\" x", 0},
		{"* LIST (", 1},
		{"* LIST () \"/\" \"x", 1},
		{"* LIST () \"/\" {1048577}\r\n" + strings.Repeat("x", 1048577), 1},
		{"* STATUS x (MESSAGES -1 UIDNEXT 99999999999)", 0},
		{"* STATUS x", 1},
		{"* STATUS x (MESSAGES", 1},
		{"* STATUS x (MESSAGES 1", 1},
		{"* VANISHED", 1},
		{"* VANISHED (EARLIER)", 1},
		{"* VANISHED 1:*", 1},
		{"* VANISHED (LATER) 1", 1},
		{"* VANISHED 0", 1},
		{"* SEARCH 1 x", 1},
		{"* SEARCH 0", 1},
		{"* SEARCH 1,2", 1},
		{"* ESEARCH (TAG \"A1\") UID ALL", 1},
		{"* 99999999999 EXISTS", 1},
		{"* 1 FETCH", 1},
		{"* 1 FETCH (", 1},
		{"* 1 FETCH (UID 1", 1},
		{"* 1 FETCH (UID)", 1},
		{"* 1 FETCH (UID -1)", 1},
		{"* 1 FETCH (UID 4294967296)", 1},
		{"* 1 FETCH (UID 1 FLAGS NIL)", 0},
		{"* 1 FETCH (UID 1 FLAGS (\\Seen foo]bar))", 0},
		{"* 1 FETCH (UID 1 FLAGS (тест))", 0},
		{"* 1 FETCH (UID 1 FLAGS (\\Seen \\))", 0},
		{"* 1 FETCH (UID 1 FLAGS (\\Seen", 1},
		{"* 1 FETCH (UID 1 FLAGS \\Seen)", 1},
		{"* 1 FETCH (UID 1 FLAGS (a (b)))", 1},
		{"* 1 FETCH (UID 1 MODSEQ 5)", 0},
		{"* 1 FETCH (UID 1 MODSEQ (99999999999999999999))", 1},
		{"* 1 FETCH (UID 1 RFC822.SIZE -1)", 0},
		{"* 1 FETCH (UID 1 INTERNALDATE NIL)", 0},
		{"* 1 FETCH (UID 1 INTERNALDATE \"00-Jan-0000 00:00:00 +0000\")", 0},
		{"* 1 FETCH (UID 1 INTERNALDATE \"yesterday\")", 0},
		{"* 1 FETCH (UID 1 PREVIEW \"x\" SAVEDATE NIL)", 0},
		{"* 1 FETCH (UID 1 BODYSTRUCTURE ((\"a\" \"\"\"\" NIL)) FLAGS ())", 0},
		{"* 1 FETCH (UID 1 ENVELOPE (\"a\" \"b\"c\" d))", 1},
		{"* 1 FETCH (UID 1 X {3}\r\nabc Y (1 {2}\r\nde", 1},
		{"* 1 FETCH (UID 1 BODY[] {3}\r\nabc FLAGS", 1},
		{"* 1 FETCH (UID 1 BODY[] {3}\r\nabc FLAGS ({4}\r\nabcd))", 1},
		{"* 1 FETCH (UID 1 BODY[] {-3}", 1},
		{"* 1 FETCH (UID 1 BODY[] {abc}", 1},
		{"* 1 FETCH (UID 1 BODY[] {}", 1},
		{"* 1 FETCH (UID 1 BODY[] {3} abc)", 1},
		{"* 1 FETCH (UID 1 BODY[] {3+}\r\nabc)", 0},
		{"* 1 FETCH (UID 1 BODY[] abc)", 1},
		{"* 1 FETCH (UID 1 BODY[HEADER.FIELDS ({4}\r\nDATE)] {2}\r\nab)", 1},
		{"* 1 FETCH (UID 1 " + strings.Repeat("(", 100000), 1},
		{"* 1 FETCH (UID 1 X " + strings.Repeat("(", 100000), 1},
		{"* 1 FETCH (UID 1 X " + strings.Repeat("(", 60) + strings.Repeat(")", 60) + ")", 0},
		{"* ID nil", 0},
		{"* ID (\"a\"", 1},
		{"* NAMESPACE NIL NIL", 1},
		{"* NAMESPACE x y z", 1},
		{"* ENABLED", 0},
		{"* CAPABILITY", 0},
		{"* FLAGS", 1},
		{"* 1 FETCH (UID 1 FLAGS (\x00))", 0},
		{"\x00\x00\x00", 1},
	} {
		name := tt.in[:min(len(tt.in), 80)]
		c := scripted(t, "", answering(tt.in+"\r\n"+next))
		r := &recorder{}
		rs, err := c.Run(context.Background(), r.handler(), Noop(), Noop())
		if err != nil || !rs[0].OK() || !rs[1].OK() {
			t.Errorf("%q: %v %v", name, rs, err)
			continue
		}
		if r.String() != "fetch seq=1 uid=77" && !strings.HasSuffix(r.String(), "\nfetch seq=1 uid=77") {
			t.Errorf("%q: the next response is lost: %s", name, r)
		}
		if n := c.Stats().Skipped; n != tt.skipped {
			t.Errorf("%q: %d responses were skipped, want %d", name, n, tt.skipped)
		}
	}
}

// TestLineEnds takes line ends of all kinds, and no line end for granted.
func TestLineEnds(t *testing.T) {
	r := &recorder{}
	c := scripted(t, "", answering("* 1 EXISTS\n* 2 EXISTS \r\n* 1 FETCH (UID 1 BODY[] {3}\nabc)\n* 3 EXISTS\r\n"))
	run(t, c, r.handler(), Noop())
	if want := "exists 1\nexists 2\nbody seq=1 uid=1 [] size=3 \"abc\" err=<nil>\nfetch seq=1 uid=1\nexists 3"; r.String() != want {
		t.Errorf("got %s", r)
	}
}
