package enginehost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// tools are what a private engine needs.
var tools = []string{"dockerd", "docker-registry", "iptables", "ip", "unshare", "mount", "busybox"}

// private runs the tests with an engine of their own, or says what is lacking.
func private(m *testing.M) (code int, lacking string) {
	if dir := os.Getenv(dirVar); dir != "" {
		return inside(m, dir), ""
	}
	if os.Getuid() != 0 {
		return 0, "not root"
	}
	var absent []string
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			absent = append(absent, tool)
		}
	}
	if len(absent) > 0 {
		return 0, "not installed: " + strings.Join(absent, ", ")
	}
	return outside(), ""
}

// outside executes the test binary again, in its own name spaces.
func outside() int {
	dir, err := os.MkdirTemp("", "wt")
	if err != nil {
		return broken(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	defer removeCgroups(filepath.Base(dir) + "-*") // of nodes that no test saw off
	args := append([]string{"--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "--", os.Args[0]}, os.Args[1:]...)
	cmd := exec.CommandContext(context.Background(), "unshare", args...)
	cmd.Env = append(os.Environ(), dirVar+"="+dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	// The signal comes when the thread ends that started the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return broken(err)
	}
	go func() {
		for range signals {
			_ = cmd.Process.Kill() // and with it, by --kill-child, all that is inside
		}
	}()
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode()
	case err != nil:
		return broken(err)
	}
	return 0
}

func inside(m *testing.M, dir string) int {
	address := "unix://" + filepath.Join(dir, "docker.sock")
	var err error
	if current, err = attach(address); err == nil {
		return m.Run() // a fuzzing worker: its coordinator has started the engine
	}
	for _, args := range [][]string{
		{"ip", "link", "set", "lo", "up"},
		{"mount", "-t", "tmpfs", "tmpfs", "/run"},
		{"mkdir", "-p", "/run/docker", "/etc/docker"},
		{"mount", "-t", "tmpfs", "tmpfs", "/etc/docker"},
	} {
		if out, err := exec.CommandContext(context.Background(), args[0], args[1:]...).CombinedOutput(); err != nil {
			return broken(fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, out))
		}
	}
	d := &daemon{dir: dir, address: address}
	if err := d.start(); err != nil {
		return broken(err)
	}
	defer d.stop()
	current.engine = d
	fmt.Printf("engine: Docker %s, API %s, in name spaces of its own\n", current.Version, current.APIVersion)
	return m.Run()
}
