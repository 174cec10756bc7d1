// Package raise is the vocabulary of failure of the Python expressions: an
// exception of Python's, or the admission that an expression needs Python itself.
// It must not know what fails.
package raise

import (
	"errors"
	"fmt"
)

// ErrUnsupported is within every error about an expression that may well be
// Python, but needs more of it than there is here.
var ErrUnsupported = errors.New("it needs Python itself")

// Error is an exception of Python's.
type Error struct {
	Kind string // the exception's class, such as TypeError
	Text string
	// Line and Column say where in the source a SyntaxError was noticed, in lines and
	// characters from 1; 0 where that is not known.
	Line, Column int
}

func (e *Error) Error() string { return e.Kind + ": " + e.Text }

// Unsupported says what is missing here.
func Unsupported(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, ErrUnsupported)...)
}

// Syntax is Python's SyntaxError.
func Syntax(format string, args ...any) error { return of("SyntaxError", format, args) }

// Type is Python's TypeError.
func Type(format string, args ...any) error { return of("TypeError", format, args) }

// Value is Python's ValueError.
func Value(format string, args ...any) error { return of("ValueError", format, args) }

// Index is Python's IndexError.
func Index(format string, args ...any) error { return of("IndexError", format, args) }

// Key is Python's KeyError.
func Key(format string, args ...any) error { return of("KeyError", format, args) }

// Division is Python's ZeroDivisionError.
func Division(format string, args ...any) error { return of("ZeroDivisionError", format, args) }

// Regexp is re.error.
func Regexp(format string, args ...any) error { return of("re.error", format, args) }

// Limit is the end of an expression that takes too long or too much.
func Limit(format string, args ...any) error { return of("TimeoutError", format, args) }

func of(kind, format string, args []any) error {
	return &Error{Kind: kind, Text: fmt.Sprintf(format, args...)}
}
