package bus

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// authenticate has the bus ask the kernel who we are (D-Bus Specification,
// "Authentication Protocol"). File descriptors are not negotiated: then the bus
// keeps those from us that others send.
func authenticate(w io.Writer, r *bufio.Reader) error {
	uid := hex.EncodeToString([]byte(strconv.Itoa(os.Geteuid())))
	if _, err := io.WriteString(w, "\x00AUTH EXTERNAL "+uid+"\r\n"); err != nil {
		return err
	}
	line, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(string(line), "OK ") {
		if strings.HasPrefix(string(line), "REJECTED") {
			return errors.New("the bus does not let this user in")
		}
		return fmt.Errorf("the bus answered %q", line)
	}
	_, err = io.WriteString(w, "BEGIN\r\n")
	return err
}
