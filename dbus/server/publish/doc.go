// Package publish tells the bus what changes and what happens: objects that
// come and go, properties, and the signals of the interface, a bounded number a
// second however much happens.
//
// It must not know who listens, nor what a bus is. It has no goroutines of its
// own; Run belongs to one.
package publish
