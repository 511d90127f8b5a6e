// Watchtower keeps the containers of a Docker engine on the newest image their
// reference points at. It maps flags and WATCHTOWER_* variables onto the
// library, and does nothing else.
package main

import (
	"os"
	_ "time/tzdata" // the image holds nothing but this program

	_ "golang.org/x/crypto/x509roots/fallback" // the same for certificate authorities
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, os.Environ(), open))
}
