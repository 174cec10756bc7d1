package term

import "strings"

// Style says how much of a terminal may be used.
type Style struct {
	Colour bool
	Dots   bool
	Dot    string // "●", or a sign that every terminal has
}

// Colour is one of a terminal's colours.
type Colour string

// The colours that are used, each with one meaning.
const (
	None   Colour = ""
	Green  Colour = "32"   // as it should be
	Yellow Colour = "33"   // goes on by itself
	Red    Colour = "31;1" // needs a person
	Grey   Colour = "90"   // nothing to see
	Bold   Colour = "1"
)

// StyleFor decides: SYSTEMD_COLORS goes before NO_COLOR, as systemd has it, and
// a dumb terminal has neither colours nor dots.
func StyleFor(terminal bool, getenv func(string) string) Style {
	s := Style{Colour: terminal, Dots: terminal, Dot: "●"}
	if getenv("TERM") == "dumb" {
		s.Colour, s.Dots = false, false
	}
	if getenv("NO_COLOR") != "" {
		s.Colour = false
	}
	switch strings.ToLower(getenv("SYSTEMD_COLORS")) {
	case "":
	case "0", "no", "n", "false", "f", "off":
		s.Colour = false
	default:
		s.Colour = true
	}
	if !utf8Locale(getenv) {
		s.Dot = "*"
	}
	return s
}

func utf8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}

// Paint makes a text plain and gives it a colour where there are colours.
func (s Style) Paint(c Colour, text string) Styled {
	text = Plain(text)
	if !s.Colour || c == None || text == "" {
		return Styled(text)
	}
	return Styled("\x1b[" + string(c) + "m" + text + "\x1b[0m")
}

// Mark is a dot and a space, or nothing where dots are not wanted.
func (s Style) Mark(c Colour) Styled {
	if !s.Dots {
		return ""
	}
	return s.Paint(c, s.Dot) + " "
}
