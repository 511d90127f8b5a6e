package enginehost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// daemon is a dockerd with its files in dir. At its first start it becomes the
// current engine.
type daemon struct {
	dir, address string
	flags        []string // besides
	cmd          *exec.Cmd
}

func (d *daemon) start() error {
	logPath := filepath.Join(d.dir, "dockerd.log")
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.CommandContext(context.Background(), "dockerd", append([]string{
		"--data-root", filepath.Join(d.dir, "data"), "--exec-root", filepath.Join(d.dir, "exec"),
		"-H", d.address, "-p", d.pidFile(),
	}, d.flags...)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	d.cmd = cmd
	for deadline := time.Now().Add(startWithin); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var h *Host
		if h, err = attach(d.address); err == nil {
			if current == nil {
				current = h
			}
			return nil
		}
	}
	d.stop()
	text, _ := os.ReadFile(logPath)
	return fmt.Errorf("dockerd did not come up within %v: %w\n%s", startWithin, err, text)
}

func (d *daemon) pidFile() string { return filepath.Join(d.dir, "docker.pid") }

func (d *daemon) stop() {
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(stopWithin, func() { _ = d.cmd.Process.Kill() })
	defer kill.Stop()
	_ = d.cmd.Wait()
}

// kill leaves nothing behind that would make the next dockerd believe that
// another one runs.
func (d *daemon) kill() error {
	containerd, err := readPID(filepath.Join(d.dir, "exec", "containerd", "containerd.pid"))
	if err != nil {
		return err
	}
	if err := d.cmd.Process.Kill(); err != nil {
		return err
	}
	_ = d.cmd.Wait() // tells that it was killed
	if err := syscall.Kill(containerd, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	// The first process of the name space inherits it, and has to see it off: a
	// dead process that nobody saw off counts as one that runs.
	for {
		_, err := syscall.Wait4(containerd, nil, 0, nil)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	return os.Remove(d.pidFile())
}

// reload lets it read its configuration again.
func (d *daemon) reload() error { return d.cmd.Process.Signal(syscall.SIGHUP) }

func (d *daemon) proc() string { return "/proc" }

func readPID(path string) (int, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(data)))
}
