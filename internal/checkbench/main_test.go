package checkbench_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	dir, err := os.MkdirTemp("", "cost")
	if err != nil {
		panic(err)
	}
	code := enginehost.Run(m, func() error { return build(filepath.Join(dir, "watchtower")) })
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// build makes the program as it is shipped, and leaves its path in the
// environment.
func build(path string) error {
	if os.Getenv(programVar) != "" {
		return nil
	}
	cmd := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "../../cmd/watchtower") //nolint:forbidigo // there is no test yet
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	return os.Setenv(programVar, path)
}

func everything() bool { return os.Getenv(costVar) == "all" }
