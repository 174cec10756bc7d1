package packaging

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/offlineimap/offlineimapd/dbus/client"
)

// helper is what this binary does within a desk: it calls Status so many times a
// second, for so long, as eight programs with godbus would, or cheaply. It prints
// how many calls were answered and how many failed.
func helper(args []string) int {
	rate, err := strconv.Atoi(args[0])
	if err != nil {
		fmt.Println(err)
		return 64
	}
	length, err := time.ParseDuration(args[1])
	if err != nil {
		fmt.Println(err)
		return 64
	}
	if len(args) > 2 {
		began := time.Now()
		good, bad, err := cheaply(rate, length)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println(good, bad, time.Since(began).Seconds())
		return 0
	}
	const callers = 8
	ctx, cancel := context.WithTimeout(context.Background(), length+10*time.Second)
	defer cancel()
	var answered, failed atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range callers {
		wg.Go(func() {
			c, err := client.Connect(ctx)
			if err != nil {
				failed.Add(1)
				return
			}
			defer c.Close()
			every := time.Second * callers / time.Duration(rate)
			for n := 0; time.Since(began) < length; n++ {
				time.Sleep(time.Until(began.Add(time.Duration(n) * every)))
				if _, err := c.Status(ctx); err != nil {
					failed.Add(1)
				} else {
					answered.Add(1)
				}
			}
		})
	}
	wg.Wait()
	fmt.Println(answered.Load(), failed.Load(), time.Since(began).Seconds())
	return 0
}

// flood calls Status so many times a second, as the user, and returns a function
// that waits for the end of it and tells how many were answered. The caller has
// the service's own priority, lest the scheduler be measured.
func (d *desk) flood(rate int, length time.Duration, how ...string) (wait func() (perSecond float64)) {
	type result struct {
		out  string
		exit int
	}
	done := make(chan result, 1)
	go func() {
		out, exit := d.User(fmt.Sprintf("%s=1 nice -n 10 %s %d %s %s", helperVariable, helperPath, rate, length, strings.Join(how, " ")))
		done <- result{out, exit}
	}()
	return func() float64 {
		d.t.Helper()
		r := <-done
		var answered, failed, seconds float64
		if _, err := fmt.Sscan(r.out, &answered, &failed, &seconds); err != nil || r.exit != 0 || failed > 0 {
			d.t.Fatalf("the flood of calls: exit status %d, %v\n%s", r.exit, err, r.out)
		}
		return answered / seconds
	}
}

// process is what the kernel tells of the daemon.
type process struct{ d *desk }

func (p process) dir() string { return p.d.Path("/proc/" + p.d.property("MainPID")) }

// memory returns the resident and the proportional set size in KiB.
func (p process) memory() (rss, pss int) {
	p.d.t.Helper()
	b, err := os.ReadFile(filepath.Join(p.dir(), "smaps_rollup"))
	if err != nil {
		p.d.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		_, _ = fmt.Sscanf(line, "Rss: %d kB", &rss)
		_, _ = fmt.Sscanf(line, "Pss: %d kB", &pss)
	}
	return rss, pss
}

// busy returns for how long the service has used a processor.
func (p process) busy() time.Duration {
	p.d.t.Helper()
	b, err := os.ReadFile(p.d.Path("/sys/fs/cgroup" + strings.TrimSpace(p.d.property("ControlGroup")) + "/cpu.stat"))
	if err != nil {
		p.d.t.Fatal(err)
	}
	var usec int64
	if _, err := fmt.Sscanf(string(b), "usage_usec %d", &usec); err != nil {
		p.d.t.Fatalf("%s: %v", b, err)
	}
	return time.Duration(usec) * time.Microsecond
}

// events connects to the event stream.
func (d *desk) events() net.Conn {
	d.t.Helper()
	uid, _ := d.Owner()
	nc, err := net.Dial("unix", d.Path(fmt.Sprintf("/run/user/%d/offlineimapd/events", uid)))
	if err != nil {
		d.t.Fatalf("connect to the event stream: %v", err)
	}
	d.t.Cleanup(func() { nc.Close() })
	return nc
}

// TestEvents reads the socket's lines, with 50 others who do not read theirs.
func TestEvents(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "work")
	d.start()
	stream := func() (next func(limit time.Duration) map[string]any) {
		nc := d.events()
		in := bufio.NewReader(nc)
		return func(limit time.Duration) map[string]any {
			t.Helper()
			if err := nc.SetReadDeadline(time.Now().Add(limit)); err != nil {
				t.Fatal(err)
			}
			line, err := in.ReadString('\n')
			if err != nil {
				t.Fatalf("no line within %s: %v", limit, err)
			}
			var m map[string]any
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			return m
		}
	}
	first := stream()(2 * time.Second)
	if fmt.Sprint(first) == "map[]" {
		t.Errorf("the first line is %v", first)
	}
	t.Logf("the first line: %v", first)

	changes := func(name string, after func()) {
		for i := range 10 {
			d.deliver("work", name+strconv.Itoa(i))
			d.do("offlineimapctl sync work")
			after()
		}
	}
	changes("warm", func() {})
	before, _ := process{d}.memory()
	var slow []net.Conn
	for range 50 {
		slow = append(slow, d.events())
	}
	next := stream()
	next(2 * time.Second)
	changes("mail", func() { next(2 * time.Second) }) // whoever reads is served, whatever others do
	after, _ := process{d}.memory()
	t.Logf("resident before %d KiB, with 50 readers who do not read %d KiB", before, after)
	if after-before > 4<<10 {
		t.Errorf("50 slow readers cost %d KiB", after-before)
	}
	for _, nc := range slow {
		nc.Close()
	}
	d.inStep("work", 20)
	// Without activation the daemon opens no such path.
	d.do("systemctl --user stop offlineimapd.service offlineimapd.socket")
	uid, _ := d.Owner()
	if _, err := os.Stat(d.Path(fmt.Sprintf("/run/user/%d/offlineimapd/events", uid))); err == nil {
		t.Error("the socket stays behind when its unit is stopped")
	}
}

// rounds brings in so many batches of new mails, one after another, and returns
// how long the runs took that got them.
func (d *desk) rounds(name string, n, mails int) time.Duration {
	d.t.Helper()
	var total time.Duration
	for i := range n {
		d.fill("work", "INBOX", name+strconv.Itoa(i), mails)
		began := time.Now()
		d.do("offlineimapctl sync work")
		total += time.Since(began)
	}
	return total
}

// TestFlood asks for the status 1,000 times a second while runs are made. How
// much it slows them down is for BenchmarkFlood; here it is only bounded, since
// whatever else the machine does counts too.
func TestFlood(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "work")
	d.start()
	d.rounds("warm", 3, 500)
	quiet := d.rounds("quiet", 3, 500)
	rss, _ := process{d}.memory()
	wait := d.flood(1000, 10*time.Second)
	busy := d.rounds("busy", 3, 500)
	rate := wait()
	after, _ := process{d}.memory()
	t.Logf("%.0f calls a second; runs took %s without and %s with them; resident %d KiB before, %d KiB after", rate, quiet, busy, rss, after)
	if rate < 300 {
		t.Errorf("only %.0f calls a second were answered", rate)
	}
	if busy > 3*quiet+2*time.Second {
		t.Errorf("runs took %s instead of %s under the flood", busy, quiet)
	}
	if after > rss+8<<10 {
		t.Errorf("the memory grew from %d to %d KiB under the flood", rss, after)
	}
	d.inStep("work", 9*500)
}

// BenchmarkFlood measures by how much 1,000 calls a second slow runs down, in
// turns of ten seconds so that the machine's drift meets both alike (make
// bench-service). The service has a low priority: on a busy machine the factor
// tells more of the others than of the calls, and the processor time that the
// service itself spends on a thousand calls is the better measure. Eight callers
// with a full client library cost more than the service does; the second factor is
// that of one caller who spends next to nothing.
func BenchmarkFlood(b *testing.B) {
	const turn = 10 * time.Second
	d := newDesk(b, "work")
	d.start()
	p, batch := process{d}, 0
	// spell makes runs for one turn and returns how long one of them takes.
	spell := func(name string) time.Duration {
		began, runs := time.Now(), 0
		var total time.Duration
		for time.Since(began) < turn-500*time.Millisecond {
			batch++
			// A folder of its own: in one that grows, each run takes longer than the last.
			d.fill("work", name+strconv.Itoa(batch), "mail", 1000)
			start := time.Now()
			d.do("offlineimapctl sync work")
			total += time.Since(start)
			runs++
		}
		return total / time.Duration(runs)
	}
	spell("warm")
	var quiet, flooded, cheap, cost time.Duration
	var rate float64
	for range b.N {
		quiet += spell("quiet")
		wait := d.flood(1000, turn)
		flooded += spell("busy")
		rate += wait()
		wait = d.flood(1000, turn, "cheaply")
		cheap += spell("cheap")
		wait()
		before := p.busy()
		calls := d.flood(1000, turn)() * turn.Seconds()
		cost += time.Duration(float64(p.busy()-before) / calls * 1000)
	}
	rss, _ := p.memory()
	n := float64(b.N)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(rate/n, "calls/s")
	b.ReportMetric(quiet.Seconds()*1000/n, "quiet-run-ms")
	b.ReportMetric(float64(flooded)/float64(quiet), "slowdown")
	b.ReportMetric(float64(cheap)/float64(quiet), "slowdown-cheap-caller")
	b.ReportMetric(cost.Seconds()*1000/n, "cpu-ms/1000-calls")
	b.ReportMetric(float64(rss), "KiB")
}

// TestIdle measures a daemon that has nothing to do.
func TestIdle(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "work", "home", "club")
	// No run falls into the time of the measurement.
	d.put(configPath, strings.ReplaceAll(config(d.accounts...), "autorefresh = 0.5", "autorefresh = 10"))
	for _, a := range d.accounts {
		for i := range 67 {
			d.fill(a, "folder-"+strconv.Itoa(i), "mail", 5)
		}
	}
	d.do("systemctl --user enable --now offlineimapd")
	d.within(60*time.Second, "the first run of 200 folders", d.settled)
	p := process{d}
	time.Sleep(5 * time.Second)
	before, began := p.busy(), time.Now()
	time.Sleep(20 * time.Second)
	used, span := p.busy()-before, time.Since(began)
	rss, pss := p.memory()
	t.Logf("resident %d KiB, proportional %d KiB, %s of processor time in %s (%.3f %%)", rss, pss, used, span.Round(time.Millisecond), 100*used.Seconds()/span.Seconds())
	if rss > 30<<10 {
		t.Errorf("an idle daemon has %d KiB resident, more than 30 MiB", rss)
	}
	if used.Seconds() > 0.001*span.Seconds() {
		t.Errorf("an idle daemon uses %s in %s, more than 0.1 %% of a core", used, span)
	}
}
