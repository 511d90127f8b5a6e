//go:build !linux

package enginehost

import "testing"

// private says why there is no engine of the tests' own.
func private(*testing.M) (code int, lacking string) {
	return 0, "name spaces are Linux's"
}
