package selfupdate_test

import (
	"os"
	"testing"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

const (
	// programVar is where the program is; it is built if that is empty.
	programVar = "WATCHTOWER_SELFUPDATE_PROGRAM"
	// sweepVar set to "all" runs everything.
	sweepVar = "WATCHTOWER_SWEEP"
)

type object = enginehost.Object

func TestMain(m *testing.M) {
	os.Exit(enginehost.RunWithProgram(m, programVar))
}

func everything() bool { return os.Getenv(sweepVar) == "all" }
