package enginehost

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// RunWithProgram is Run for tests of the whole program. The variable says where it is;
// if that is empty it is built first, and the variable says where.
func RunWithProgram(m *testing.M, variable string) int {
	dir, err := os.MkdirTemp("", "program")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	return Run(m, func() error {
		if os.Getenv(variable) != "" {
			return nil
		}
		path := filepath.Join(dir, "watchtower")
		if err := BuildProgram(path); err != nil {
			return err
		}
		return os.Setenv(variable, path)
	})
}

// BuildProgram makes the program as it is shipped.
func BuildProgram(path string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "github.com/watchtower-go/watchtower/cmd/watchtower")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	return nil
}
