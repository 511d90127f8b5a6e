package enginehost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// dirVar tells the second execution that it is inside, and where to keep
	// the engine's files.
	dirVar      = "WATCHTOWER_TEST_ENGINE_DIR"
	startWithin = 30 * time.Second
	stopWithin  = 20 * time.Second
)

// tools are what a private engine needs.
var tools = []string{"dockerd", "docker-registry", "iptables", "ip", "unshare", "mount", "busybox"}

// current is the engine of this test binary; missing says why there is none.
var (
	current *Host
	missing string
)

// Run is for TestMain: it runs the tests with an engine, if there is one to be
// had, and returns the exit code.
func Run(m *testing.M) int {
	dir := os.Getenv(dirVar)
	switch {
	case dir != "":
		return inside(m, dir)
	case os.Getuid() == 0 && lacking() == "":
		return outside()
	case os.Getenv("DOCKER_HOST") != "":
		host, err := attach(os.Getenv("DOCKER_HOST"))
		if err != nil {
			missing = fmt.Sprintf("the engine at DOCKER_HOST does not answer: %v", err)
		}
		current = host
	case os.Getuid() != 0:
		missing = "not root, and DOCKER_HOST names no engine"
	default:
		missing = "not installed: " + lacking()
	}
	return m.Run()
}

func lacking() string {
	var out []string
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			out = append(out, tool)
		}
	}
	return strings.Join(out, ", ")
}

// outside executes the test binary again, in its own name spaces.
func outside() int {
	dir, err := os.MkdirTemp("", "wt")
	if err != nil {
		return broken(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	args := append([]string{"--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "--", os.Args[0]}, os.Args[1:]...)
	cmd := exec.CommandContext(context.Background(), "unshare", args...)
	cmd.Env = append(os.Environ(), dirVar+"="+dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
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
	engine, err := startEngine(dir)
	if err != nil {
		return broken(err)
	}
	defer engine.stop()
	if current, err = attach("unix://" + filepath.Join(dir, "docker.sock")); err != nil {
		return broken(err)
	}
	fmt.Printf("engine: Docker %s, API %s, in name spaces of its own\n", current.Version, current.APIVersion)
	return m.Run()
}

func broken(err error) int {
	fmt.Fprintf(os.Stderr, "enginehost: %v\n", err)
	return 1
}

// engineProcess is a dockerd.
type engineProcess struct {
	cmd *exec.Cmd
	log string
}

func startEngine(dir string) (*engineProcess, error) {
	logPath := filepath.Join(dir, "dockerd.log")
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	socket := filepath.Join(dir, "docker.sock")
	cmd := exec.CommandContext(context.Background(), "dockerd",
		"--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"-H", "unix://"+socket, "-p", filepath.Join(dir, "docker.pid"))
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &engineProcess{cmd: cmd, log: logPath}
	for deadline := time.Now().Add(startWithin); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if _, err := attach("unix://" + socket); err == nil {
			return p, nil
		}
	}
	p.stop()
	text, _ := os.ReadFile(logPath)
	return nil, fmt.Errorf("dockerd did not come up within %v:\n%s", startWithin, text)
}

func (p *engineProcess) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan struct{})
	go func() { _ = p.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(stopWithin):
		_ = p.cmd.Process.Kill()
		<-done
	}
}

// attach asks the engine at an address for its version.
func attach(address string) (*Host, error) {
	scheme, target, _ := strings.Cut(address, "://")
	network := "tcp"
	if scheme == "unix" {
		network = "unix"
	}
	h := &Host{Address: address}
	h.client = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, target)
		},
	}}
	var v struct{ Version, ApiVersion string } //nolint:revive // the engine's spelling
	if _, err := h.call(context.Background(), http.MethodGet, "/version", nil, &v); err != nil {
		return nil, err
	}
	h.Version, h.APIVersion = v.Version, v.ApiVersion
	return h, nil
}
