package api

// What everything is called.
const (
	BusName = "org.offlineimap.Daemon1"
	Path    = "/org/offlineimap/Daemon1"

	ManagerInterface = BusName + ".Manager"
	AccountInterface = BusName + ".Account"
	JobInterface     = BusName + ".Job"
	AgentInterface   = BusName + ".Agent"

	AccountPath = Path + "/account" // below it the accounts, escaped by Element
	JobPath     = Path + "/job"     // below it the jobs, by ID

	// ErrorPrefix goes before the names in the table of errors.
	ErrorPrefix = BusName + ".Error."

	LogControlPath      = "/org/freedesktop/LogControl1"
	LogControlInterface = "org.freedesktop.LogControl1"

	PropertiesInterface     = "org.freedesktop.DBus.Properties"
	IntrospectableInterface = "org.freedesktop.DBus.Introspectable"
	PeerInterface           = "org.freedesktop.DBus.Peer"
	ObjectManagerInterface  = "org.freedesktop.DBus.ObjectManager"
)

// InterfaceVersion grows with every addition to the interface.
const InterfaceVersion = 1

// Keys of the options of SyncNow, with their types.
const (
	OptionFolders      = "folders"        // as: only these, by their name here or on the server
	OptionFull         = "full"           // b: look at everything
	OptionDryRun       = "dry-run"        // b: change nothing
	OptionEvenIfPaused = "even-if-paused" // b
	OptionReason       = "reason"         // s: for the log
)

// Keys of a job's report, with their types.
const (
	ReportDownloaded    = "downloaded"     // t
	ReportUploaded      = "uploaded"       // t
	ReportFlagsLocal    = "flags-local"    // t
	ReportFlagsRemote   = "flags-remote"   // t
	ReportRemovedLocal  = "removed-local"  // t
	ReportRemovedRemote = "removed-remote" // t
	ReportPaired        = "paired"         // t
	ReportBytes         = "bytes"          // t
	ReportSeconds       = "seconds"        // d
	ReportFolders       = "folders"        // t
	ReportHint          = "hint"           // s: what to do about the error; absent where there is nothing
	ReportDocument      = "document"       // s: as offlineimapd --once --json has it for an account, without folders that did not change
)

// Keys of the options of RegisterAgent, with their types.
const (
	AgentAccounts = "accounts" // as: it is asked for the secrets of these only
)

// Keys of an Agent's hints and answers, with their types.
const (
	HintRetry    = "retry"  // b: the answer before was refused
	AnswerSecret = "secret" // s
)
