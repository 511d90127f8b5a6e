package checkbench_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// longest bounds a run: a registry that hangs costs half a minute.
const longest = 3 * time.Minute

// reading is what a process cost.
type reading struct {
	Wall time.Duration
	Peak int64 // memory in bytes; 0 where the system does not tell
	Exit int
}

// actAsStopwatch runs a command and writes its reading to file 3. It is a process
// of its own for the memory's sake: what the parent holds counts as the child's
// until that has begun, and this one holds little.
func actAsStopwatch(command []string) int {
	ctx, cancel := context.WithTimeout(context.Background(), longest) //nolint:forbidigo // a program, not a test
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(pair string) bool { return strings.HasPrefix(pair, stopwatchVar+"=") })
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	begun := time.Now()
	err := cmd.Run()
	r := reading{Wall: time.Since(begun)}
	var exit *exec.ExitError
	if err == nil || errors.As(err, &exit) {
		r.Peak, r.Exit = peak(cmd.ProcessState), cmd.ProcessState.ExitCode()
		err = json.NewEncoder(os.NewFile(3, "reading")).Encode(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
