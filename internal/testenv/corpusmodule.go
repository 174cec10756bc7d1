//go:build corpus

package testenv

// The corpus reads the test data of this module; with the import it stays in
// go.mod, pinned, though no build takes it in.
import _ "github.com/jhillyerd/enmime/v2"
