package systemd

import (
	"context"
	"log/slog"
	"time"
)

// Watchdog gives systemd signs of life until ctx ends, one every half period, each
// only after check said that all is well. A program that is up and does not work
// is restarted this way; a sign of life that came by itself would be a lie.
//
// check is asked again soon where it fails, and has three tenths of the period to
// answer. A period without a good answer ends with an error in the log and
// with systemd being told to act, shortly before it would by itself, so that the
// reason stands in the log. With a period of 0 nobody wants signs of life, and
// Watchdog returns at once.
//
// It returns as soon as ctx ends, even if check does not: a check that hangs keeps
// its goroutine.
func Watchdog(ctx context.Context, n *Notifier, period time.Duration, check func(context.Context) error, log *slog.Logger) {
	if period <= 0 {
		return
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	limit := period * 19 / 20
	ask, late := time.NewTimer(0), time.NewTimer(limit)
	defer ask.Stop()
	defer late.Stop()

	var answer chan error // of the question that is open
	wrong := "no answer yet"
	for {
		select {
		case <-ctx.Done():
			return
		case <-ask.C:
			answer = make(chan error, 1)
			go func(answer chan<- error) {
				ctx, cancel := context.WithTimeout(ctx, period*3/10)
				defer cancel()
				answer <- check(ctx)
			}(answer)
		case err := <-answer:
			answer = nil
			if ctx.Err() != nil {
				return
			}
			if err == nil {
				err = n.alive()
			}
			if err == nil {
				wrong = "no answer"
				ask.Reset(period / 2)
				late.Reset(limit)
				continue
			}
			if text := err.Error(); text != wrong {
				wrong = text
				log.Warn("watchdog: "+text, "error", text)
			}
			ask.Reset(period / 10)
		case <-late.C:
			log.Error("watchdog: nothing good for "+period.String()+", systemd is asked to restart the daemon: "+wrong, "error", wrong)
			if err := n.trigger(); err != nil {
				log.Error("watchdog: "+err.Error(), "error", err)
			}
			late.Reset(period)
		}
	}
}
