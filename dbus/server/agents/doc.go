// Package agents keeps the clients that can be asked for secrets, and asks them.
//
// It must not know what the secrets are for, and never logs one. It has no
// goroutines but those that say goodbye in Release.
package agents
