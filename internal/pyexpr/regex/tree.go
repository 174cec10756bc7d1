package regex

// Flags are how a pattern is to be read, with the numbers of Python.
type Flags int

// The flags.
const (
	IgnoreCase Flags = 2
	Locale     Flags = 4
	Multiline  Flags = 8
	DotAll     Flags = 16
	Unicode    Flags = 32
	Verbose    Flags = 64
	Debug      Flags = 128
	ASCII      Flags = 256
)

type op byte

const (
	opLiteral op = iota // r
	opClass             // set
	opAny               // dot; all says whether it takes newlines
	opAt                // at
	opSeq               // sub
	opBranch            // sub
	opGroup             // sub[0], group; 0 where it captures nothing
	opRepeat            // sub[0], min, max, mode
	opAssert            // sub[0], neg, back
	opAtomic            // sub[0]
	opRef               // group
	opCond              // group, sub[0], sub[1]
)

type mode byte

const (
	greedy mode = iota
	lazy
	possessive
)

// unlimited is the most that a repetition can be.
const unlimited = 1<<32 - 1

// node is a part of a pattern.
type node struct {
	op       op
	r        rune
	set      *class
	at       byte // '^', '$', 'A', 'Z', 'b' or 'B'
	all      bool // of opAny; of opAt: on several lines
	sub      []*node
	group    int
	min, max int
	mode     mode
	neg      bool
	width    int // of what an assertion looks back upon; -1: it looks forward
	fold     bool
	ascii    bool
}

// class is a set of characters.
type class struct {
	neg    bool
	ranges [][2]rune
	kinds  []byte // 'd', 'D', 's', 'S', 'w' or 'W'
}

// Regexp is a compiled pattern.
type Regexp struct {
	Source string
	Flags  Flags // as they were given
	Groups int
	Names  map[string]int
	root   *node
	// doubtful are the groups within a negative assertion: what they hold
	// afterwards differs between the versions of Python.
	doubtful []bool
}
