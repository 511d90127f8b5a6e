package selfupdate_test

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
	// programVar is where the program is; it is built if that is empty.
	programVar = "WATCHTOWER_SELFUPDATE_PROGRAM"
	// sweepVar set to "all" runs everything.
	sweepVar = "WATCHTOWER_SWEEP"
)

type object = enginehost.Object

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "self")
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

func everything() bool { return os.Getenv(sweepVar) == "all" }
