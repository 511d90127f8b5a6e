//go:build !unix

package statefile

// lock does nothing: one process at a time may have a state directory there.
func lock(string) (unlock func(), err error) { return func() {}, nil }
