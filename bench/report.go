package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is everything that was measured.
type report struct {
	Machine map[string]string
	Samples []sample
	Failure string `json:",omitempty"`
	Quick   bool   // too few mails for ratios to mean anything
}

// sample is what a program took for one step, in each round.
type sample struct {
	RTT     float64 // ms
	Step    string
	Program string
	Runs    []cost
}

func newReport(o options) *report {
	r := &report{Quick: o.quick, Machine: map[string]string{
		"cpus": fmt.Sprint(runtime.NumCPU()), "go": runtime.Version(), "date": time.Now().UTC().Format(time.RFC3339),
	}}
	for name, argv := range map[string][]string{
		"kernel": {"uname", "-r"}, "dovecot": {"dovecot", "--version"}, mbsync: {"mbsync", "--version"},
		offlineIMAP: {"offlineimap", "--version"}, ours: {o.binary, "--version"},
	} {
		if out, err := exec.Command(argv[0], argv[1:]...).Output(); err == nil {
			line, _, _ := strings.Cut(string(out), "\n")
			r.Machine[name] = strings.TrimSpace(line)
		}
	}
	return r
}

func (r *report) add(rtt time.Duration, step, program string, c cost) {
	at := float64(rtt) / float64(time.Millisecond)
	i := slices.IndexFunc(r.Samples, func(s sample) bool { return s.RTT == at && s.Step == step && s.Program == program })
	if i < 0 {
		i = len(r.Samples)
		r.Samples = append(r.Samples, sample{RTT: at, Step: step, Program: program})
	}
	r.Samples[i].Runs = append(r.Samples[i].Runs, c)
}

// find returns the median of each value of a sample.
func (r *report) find(rtt float64, step, program string) (cost, bool) {
	for _, s := range r.Samples {
		if s.RTT == rtt && s.Step == step && s.Program == program {
			return s.median(), true
		}
	}
	return cost{}, false
}

func (s sample) median() cost {
	return cost{
		Wall: median(s.Runs, func(c cost) float64 { return c.Wall }), CPU: median(s.Runs, func(c cost) float64 { return c.CPU }),
		Peak: median(s.Runs, func(c cost) int64 { return c.Peak }),
		Up:   median(s.Runs, func(c cost) int64 { return c.Up }), Down: median(s.Runs, func(c cost) int64 { return c.Down }),
		RoundTrips: median(s.Runs, func(c cost) int64 { return c.RoundTrips }), Conns: median(s.Runs, func(c cost) int64 { return c.Conns }),
	}
}

// median is the middle one; of an even number, the smaller of the two.
func median[N int64 | float64](runs []cost, value func(cost) N) N {
	var all []N
	for _, c := range runs {
		all = append(all, value(c))
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

// print writes one table for each round trip and step, and what was to be reached.
func (r *report) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "RTT ms\tstep\tprogram\trounds\twall s\tto mbsync\tCPU s\tpeak MB\tup kB\tdown kB\ttrips\tconns\t")
	last := ""
	for _, s := range r.Samples {
		if key := fmt.Sprint(s.RTT, s.Step); key != last {
			fmt.Fprintln(t, strings.Repeat("\t", 12))
			last = key
		}
		c, ratio := s.median(), "-"
		if other, ok := r.find(s.RTT, s.Step, mbsync); ok {
			ratio = fmt.Sprintf("%.3f", c.Wall/other.Wall)
		}
		fmt.Fprintf(t, "%v\t%s\t%s\t%d\t%.3f\t%s\t%.3f\t%.1f\t%.1f\t%.1f\t%d\t%d\t\n", s.RTT, s.Step, s.Program, len(s.Runs),
			c.Wall, ratio, c.CPU, float64(c.Peak)/1e6, float64(c.Up)/1e3, float64(c.Down)/1e3, c.RoundTrips, c.Conns)
	}
	t.Flush()
	bars := r.bars()
	if len(bars) == 0 || r.Quick {
		return
	}
	fmt.Fprintln(w)
	t = tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	for _, b := range bars {
		verdict := "reached"
		if b.value > b.limit {
			verdict = "MISSED"
		}
		fmt.Fprintf(t, "%s\t%s\t%.3g\tof at most %.3g\t\n", verdict, b.what, b.value, b.limit)
	}
	t.Flush()
}

func (r *report) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "report.json"), append(b, '\n'), 0o644)
}
