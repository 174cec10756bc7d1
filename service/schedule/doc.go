// Package schedule decides what an account should do next, and when: run, wait
// until some moment, or wait for something to happen.
//
// It must not know what a run is, and has no clock, no randomness and no
// goroutines: all it decides follows from its arguments.
package schedule
