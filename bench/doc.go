// Command bench does the same work with offlineimapd, mbsync and OfflineIMAP,
// in turn at every step so that the machine's drift meets them alike, and
// compares both sides after every step.
//
// It knows offlineimapd as a user does, by its command line, and must not
// import any of its packages: the readers are those of internal/testenv. Every
// program runs below a small process of its own, started anew for each run,
// which measures it; the server, the proxy and the readers are here.
package main
