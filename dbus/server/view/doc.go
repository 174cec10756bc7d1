// Package view says what a service.Status looks like on the bus: which objects
// there are, what properties they have, and how texts, times and failures are
// written there.
//
// It must not know how any of it is sent. It has no goroutines.
package view
