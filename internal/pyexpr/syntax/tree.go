package syntax

// Node is a part of an expression: one of the pointers below.
type Node any

type (
	// Const is a literal: nil, bool, int64, float64, string or Bytes.
	Const struct{ Value any }
	// Bytes is the value of a literal such as b'x'.
	Bytes string
	// Name is a name to look up.
	Name struct{ ID string }
	// Tuple is (a, b). Items may be Star.
	Tuple struct{ Items []Node }
	// List is [a, b]. Items may be Star.
	List struct{ Items []Node }
	// Set is {a, b}. Items may be Star.
	Set struct{ Items []Node }
	// Star is *x within a display.
	Star struct{ X Node }
	// Dict is {k: v}.
	Dict struct{ Items []Item }
	// Item is k: v, or **v where Key is nil.
	Item struct{ Key, Value Node }
	// Unary is -x, +x or ~x; and not x.
	Unary struct {
		Op string
		X  Node
	}
	// Binary is an arithmetic operation.
	Binary struct {
		Op   string
		L, R Node
	}
	// Logic is a chain of and, or of or.
	Logic struct {
		And   bool
		Items []Node
	}
	// Compare is a < b < c; Rest[i] stands after Ops[i]. The operators of two
	// words have one space.
	Compare struct {
		First Node
		Ops   []string
		Rest  []Node
	}
	// If is a if c else b.
	If struct{ Cond, Then, Else Node }
	// Lambda is a function.
	Lambda struct {
		Params []Param
		Body   Node
	}
	// Comp is a comprehension.
	Comp struct {
		Kind    CompKind
		Elem    Node // the key, of a dict
		Value   Node // of a dict
		Clauses []Clause
	}
	// Clause is for target in iter if … if ….
	Clause struct {
		Target Node // a Name, or a Tuple or List of targets, one of which may be a Star
		Iter   Node
		Ifs    []Node
	}
	// Call is f(a, *b, c=d, **e).
	Call struct {
		Fn   Node
		Args []Arg
	}
	// Attr is x.name.
	Attr struct {
		X    Node
		Name string
	}
	// Index is x[key]; the key may be a Slice.
	Index struct{ X, Key Node }
	// Slice is lo:hi:step; each may be nil.
	Slice struct{ Lo, Hi, Step Node }
	// FString is an f-string, or the format within one.
	FString struct{ Parts []Part }
)

// Part is one part of an f-string: text, or where X is set a field.
type Part struct {
	Text string
	X    Node
	Conv byte     // 'r', 's', 'a' or 0
	Spec *FString // nil: none
}

// CompKind is the kind of a comprehension.
type CompKind byte

// The kinds of comprehensions.
const (
	CompList CompKind = iota
	CompSet
	CompDict
	CompGenerator
)

// ParamKind is how a parameter takes its argument.
type ParamKind byte

// The kinds of parameters.
const (
	ParamPlain      ParamKind = iota
	ParamPositional           // before a /
	ParamArgs                 // *args
	ParamKeyword              // after a *
	ParamKeywords             // **kwargs
)

// Param is a parameter of a lambda.
type Param struct {
	Name    string
	Kind    ParamKind
	Default Node // nil: none
}

// Arg is an argument of a call.
type Arg struct {
	Name  string // of a keyword argument
	Stars int    // 1: *x, 2: **x
	X     Node
}
