// Package hook runs the commands that a person has put before and after the runs
// of an account, as OfflineIMAP runs them, and sees that none of them holds up or
// impersonates the program that calls it: time, output and memory are bounded.
//
// It must not know the engine, the configuration or the service: the caller says
// what to run and where its output goes.
//
// A Run has one goroutine for each of the two pipes and one that waits for the
// shell. The first two have ended when Run returns; the last has too, unless the
// kernel does not let go of a killed process, and ends with that process.
package hook
