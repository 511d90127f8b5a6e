//go:build !unix

package main

// identity: such systems have no numbers for users.
func identity() string { return "not told on this system" }

func socketState(string) (state, cure string) { return "not told on this system", "" }
