package systemd

// event is a kind of message that the catalog explains.
type event struct {
	word string // the value of the attribute "event"
	id   string // the MESSAGE_ID, made once by systemd-id128 new and never changed
}

// events are all of them. packaging/catalog has an entry for each.
var events = []event{
	{"start", "6aa16a5fbde44e24ac4b8686e954f355"},
	{"stop", "0c9448b44df742da842f7d7e02fd7791"},
	{"reload", "178eb9d1918149708ad8fa59369696c6"},
	{"reload-failed", "c6f4e14563784c1493d2e3823822f660"},
	{"login-refused", "5cdd90a747394d7783bc5d4f0336e73d"},
	{"password-needed", "5bc3ee76988f469ea421442b6f069486"},
	{"certificate-untrusted", "178d1a973ec9449e9356b702ec2c808c"},
	{"halt", "2182825a953647a8b684fb6e0c5aff8d"},
	{"uidvalidity-changed", "7b64c7db4ae54e3eb7009b29f4d8d00f"},
	{"maildir-unwritable", "359629ac3a754dedb69ad712cc26ac6b"},
	{"state-rebuilt", "ff34bff0a7d948869b94195ee26ebe4b"},
	{"account-in-use", "d5de559c78314e65a41789ef8ec7c95a"},
	{"server-unreachable", "b51f2e26bb3a4f62a7ab081995178dcc"},
	{"server-back", "c2e38ae359b042a88cdfb46aea147072"},
	{"feature-lacking", "589df66c3d624e3687e57712e8c099c2"},
	{"paused", "158f3bc1d6e8475cb0c950805a7a826a"},
	{"resumed", "ea05c1fa51a34d009743db68ec59a21a"},
	{"first-sync", "70a6218e4db64f3da13da063bf6a0137"},
	{"sync-failed", "b79c5fef54fd48428543831b496aaf50"},
}

// eventID returns the MESSAGE_ID of an event, "" for a word without one.
func eventID(word string) string {
	for _, e := range events {
		if e.word == word {
			return e.id
		}
	}
	return ""
}
