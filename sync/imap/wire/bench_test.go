package wire

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
)

const benchMails = 20000

// benchReplay measures what the client alone costs for each mail.
func benchReplay(b *testing.B, data []byte) {
	c := replayed(b, func() io.Reader { return bytes.NewReader(data) })
	n := 0
	h := &Handler{
		Fetch: func(*Fetch) error { n++; return nil },
		Body:  func(_ *Fetch, _ string, _ int64, r io.Reader) error { _, err := io.Copy(io.Discard, r); return err },
	}
	set := imap.UIDSet{{Start: 1}}
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		n = 0
		if _, err := c.Run(context.Background(), h, UIDFetch(set, "(UID FLAGS)", FetchOptions{})); err != nil {
			b.Fatal(err)
		}
		if n != benchMails {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchMails, "ns/mail")
}

func BenchmarkReplayFlags(b *testing.B) {
	var d bytes.Buffer
	for i := 1; i <= benchMails; i++ {
		fmt.Fprintf(&d, "* %d FETCH (UID %d FLAGS (\\Seen $Label1))\r\n", i, i)
	}
	benchReplay(b, d.Bytes())
}

func BenchmarkReplayBody1k(b *testing.B) {
	m := strings.Repeat("The quick brown fox jumps over the lazy dog 1234.\r\n", 900/51+1)
	var d bytes.Buffer
	for i := 1; i <= benchMails; i++ {
		fmt.Fprintf(&d, "* %d FETCH (UID %d FLAGS (\\Seen $Label1) INTERNALDATE \"17-Jul-2024 02:44:25 +0200\" BODY[] {%d}\r\n%s)\r\n", i, i, len(m), m)
	}
	benchReplay(b, d.Bytes())
}

func BenchmarkReplaySearch(b *testing.B) {
	var d bytes.Buffer
	d.WriteString("* SEARCH")
	for i := range benchMails {
		fmt.Fprintf(&d, " %d", 100000+2*i)
	}
	d.WriteString("\r\n")
	c := replayed(b, func() io.Reader { return bytes.NewReader(d.Bytes()) })
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Run(context.Background(), nil, Noop()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchMails, "ns/mail")
}

// BenchmarkAppend uploads small mails to a server that costs nothing.
func BenchmarkAppend(b *testing.B) {
	m := []byte(strings.Repeat("The quick brown fox jumps over the lazy dog 1234.\r\n", 80))
	sink := &sinkConn{replay: newReplay(func() io.Reader { return strings.NewReader("") }), more: make(chan struct{}, 1)}
	c, err := New(context.Background(), sink, Options{})
	if err != nil {
		b.Fatal(err)
	}
	c.setCaps("LITERAL+ MULTIAPPEND")
	b.ReportAllocs()
	b.SetBytes(int64(len(m)))
	r := bytes.NewReader(m)
	a, err := c.Append(context.Background(), nil, "box")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r.Reset(m)
		if err := a.Add([]imap.Flag{imap.FlagSeen}, testDate, int64(len(m)), r); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	close(sink.more)
	a.Abort()
}

// sinkConn swallows what is written, and is silent until it is closed.
type sinkConn struct {
	*replay
	more chan struct{}
}

func (s *sinkConn) Write(p []byte) (int, error) { return len(p), nil }
func (s *sinkConn) Read(p []byte) (int, error) {
	if n, err := s.replay.Read(p); err == nil {
		return n, nil
	}
	<-s.more
	return 0, io.EOF
}
func (s *sinkConn) SetReadDeadline(time.Time) error { return nil }
