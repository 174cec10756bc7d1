package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// message is one mail to arrange.
type message struct {
	body  []byte // in wire form
	date  time.Time
	flags []string
}

// box is a mailbox to arrange.
type box struct {
	name string
	n    int
}

// plan is how much there is of everything.
type plan struct {
	boxes               []box
	fresh, reflag, gone int // of one round of changes
	uploads             int
	largeSize           int64
	huge                int
	seed                uint64
}

func fullPlan() plan {
	p := plan{fresh: 100, reflag: 300, gone: 50, uploads: 1000, largeSize: 100 << 20, huge: 200_000, seed: 1}
	p.boxes = append(p.boxes, box{"INBOX", 5000})
	for i := range 50 {
		p.boxes = append(p.boxes, box{fmt.Sprintf("folder%02d", i+1), 40})
	}
	return p
}

func quickPlan() plan {
	p := plan{fresh: 10, reflag: 20, gone: 5, uploads: 30, largeSize: 8 << 20, huge: 3000, seed: 1}
	p.boxes = append(p.boxes, box{"INBOX", 200})
	for i := range 5 {
		p.boxes = append(p.boxes, box{fmt.Sprintf("folder%02d", i+1), 10})
	}
	return p
}

// generator makes mails: the same seed makes the same ones.
type generator struct {
	rnd  *rand.Rand
	seed uint64
	n    int
}

func newGenerator(seed uint64) *generator {
	return &generator{rnd: rand.New(rand.NewPCG(seed, 7)), seed: seed}
}

// Sizes are spread as in a real mailbox: log-normal, half of them below 2.6 kB,
// 4 kB on average, some of 60 kB.
const (
	medianSize = 2600
	spread     = 0.93
	maxSize    = 60_000
)

const alphabet = "etaoinshrdlucmfwygpbvkxqjz"

func (g *generator) word() string {
	n := 2 + g.rnd.IntN(8)
	b := make([]byte, n)
	for i := range b {
		// The minimum of two makes the front of the alphabet more frequent.
		b[i] = alphabet[min(g.rnd.IntN(26), g.rnd.IntN(26))]
	}
	return string(b)
}

func (g *generator) text(sb *strings.Builder, size int) {
	column := 0
	for sb.Len() < size {
		w := g.word()
		if column+len(w) > 72 {
			sb.WriteString("\r\n")
			column = 0
		} else if column > 0 {
			sb.WriteByte(' ')
			column++
		}
		sb.WriteString(w)
		column += len(w)
	}
	sb.WriteString("\r\n")
}

// next makes one mail of a realistic size, head and all.
func (g *generator) next() message {
	g.n++
	size := int(math.Exp(math.Log(medianSize) + spread*g.rnd.NormFloat64()))
	size = min(max(size, 300), maxSize)
	date := time.Date(2024, 1, 1, 0, 0, g.n*977+g.rnd.IntN(900), 0, time.UTC)
	var sb strings.Builder
	from, to := g.word()+"."+g.word()+"@"+g.word()+".example.org", g.word()+"@example.net"
	for range 1 + g.rnd.IntN(3) {
		fmt.Fprintf(&sb, "Received: from %s.example.org (%s.example.org [192.0.2.%d])\r\n\tby mx.example.net (Postfix) with ESMTPS id %X\r\n\tfor <%s>; %s\r\n",
			g.word(), g.word(), g.rnd.IntN(256), g.rnd.Uint32(), to, date.Format(time.RFC1123Z))
	}
	fmt.Fprintf(&sb, "Date: %s\r\nFrom: %s\r\nTo: %s\r\nSubject: %s %s %s\r\nMessage-ID: <%d.%d.%x@example.org>\r\n",
		date.Format(time.RFC1123Z), from, to, g.word(), g.word(), g.word(), g.seed, g.n, g.rnd.Uint64())
	sb.WriteString("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n")
	g.text(&sb, size)
	m := message{body: []byte(sb.String()), date: date}
	if g.rnd.IntN(10) < 7 {
		m.flags = append(m.flags, `\Seen`)
	}
	if g.rnd.IntN(10) == 0 {
		m.flags = append(m.flags, `\Answered`)
	}
	if g.rnd.IntN(20) == 0 {
		m.flags = append(m.flags, `\Flagged`)
	}
	return m
}

// tiny makes a mail that is little more than its number, for a mailbox that is
// only long.
func (g *generator) tiny() message {
	g.n++
	return message{
		body: fmt.Appendf(nil, "From: a@example.org\r\nSubject: %d\r\nMessage-ID: <%d.%d@example.org>\r\n\r\n%s\r\n",
			g.n, g.seed, g.n, g.word()),
		date:  time.Date(2024, 1, 1, 0, 0, g.n, 0, time.UTC),
		flags: []string{`\Seen`},
	}
}
