package api

// Errors of our own: the names after ErrorPrefix. The body of an error is one
// sentence for people and, where there is one, a second string that says what to
// do.
var Errors = []string{
	"NoSuchAccount",
	"NoSuchFolder",
	"NoSuchJob",
	"NotCancelable",
	"Paused",
	"Offline",
	"AuthenticationFailed",
	"CredentialsUnavailable",
	"TLSUntrusted",
	"ServerRefused",
	"ConfigInvalid",
	"SafetyHalt",
	"NoSuchHold",
	"StateLocked",
	"Disk",
	"Cancelled",
	"ShuttingDown",
	"Busy",
	"Internal",
}

// Errors of others, in full.
const (
	ErrorInvalidArgs      = "org.freedesktop.DBus.Error.InvalidArgs"
	ErrorLimitsExceeded   = "org.freedesktop.DBus.Error.LimitsExceeded"
	ErrorPropertyReadOnly = "org.freedesktop.DBus.Error.PropertyReadOnly"
	ErrorUnknownInterface = "org.freedesktop.DBus.Error.UnknownInterface"
	ErrorUnknownMethod    = "org.freedesktop.DBus.Error.UnknownMethod"
	ErrorUnknownObject    = "org.freedesktop.DBus.Error.UnknownObject"
	ErrorUnknownProperty  = "org.freedesktop.DBus.Error.UnknownProperty"
)
