// Package bus is a connection to a message bus for a program that others call:
// nothing that they send ends it, holds it up, or makes it grow. godbus encodes
// and decodes the messages; its own Conn starts a goroutine for every call that
// comes in, keeps file descriptors that nobody asked for, is closed by a message
// that it cannot decode, and cannot be closed while the bus does not read.
//
// It must not know what is called. A Conn has one goroutine that reads; it ends
// with Close, or when the connection breaks.
package bus
