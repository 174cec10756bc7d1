package storetest

import "testing"

// Run checks a store against the contract. Every test gets its own Env.
func Run(t *testing.T, newEnv func(t testing.TB) Env) {
	_ = newEnv
	t.Helper()
}
