package checkbench_test

import (
	"os"
	"testing"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

const (
	// costVar set to "all" measures everything.
	costVar = "WATCHTOWER_COST"
	// peersVar names the programs to compare with.
	peersVar = "WATCHTOWER_COST_PEERS"
	// programVar is where our own program is; it is built if that is empty.
	programVar = "WATCHTOWER_COST_PROGRAM"
	// stopwatchVar makes this binary a stopwatch for the command it is given.
	stopwatchVar = "WATCHTOWER_COST_STOPWATCH"
)

func TestMain(m *testing.M) {
	if os.Getenv(stopwatchVar) != "" {
		os.Exit(actAsStopwatch(os.Args[1:]))
	}
	os.Exit(enginehost.RunWithProgram(m, programVar))
}

func everything() bool { return os.Getenv(costVar) == "all" }
