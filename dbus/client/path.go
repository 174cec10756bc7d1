package client

import (
	"strconv"
	"strings"

	"github.com/offlineimap/offlineimapd/dbus/api"
)

// jobAt returns the ID of the job at a path; 0 where there is none.
func jobAt(path string) uint32 {
	s, ok := strings.CutPrefix(path, api.JobPath+"/")
	if !ok {
		return 0
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// accountAt returns the name of the account at a path; "" where there is none.
func accountAt(path string) string {
	s, ok := strings.CutPrefix(path, api.AccountPath+"/")
	if !ok || s == "_" {
		return ""
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '_' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return ""
		}
		n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return ""
		}
		b.WriteByte(byte(n))
		i += 2
	}
	return b.String()
}
