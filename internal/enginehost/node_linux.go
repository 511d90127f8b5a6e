package enginehost

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// nodeWithin is how long a node may take to come up: one that finds no other manager
// waits for them before it answers.
const nodeWithin = 2 * time.Minute

// boot is what the first process of a node does, once its network is there.
const boot = `read -r _ && busybox hostname "$0" && mount -t proc proc /proc &&
	mount -t tmpfs tmpfs /run && mkdir /run/docker && mount -t tmpfs tmpfs /etc/docker && exec dockerd "$@"`

// node is a machine of its own, as far as an engine can tell: it has network, mount,
// process and host name spaces, and what an engine keeps until a machine's next start
// it loses with them.
type node struct {
	name, dir, address string
	wire               func(pid int) error // gives the process's network its link
	cmd                *exec.Cmd
	reached            map[string]net.Listener // what of the tests' loopback is on its own
}

func (n *node) start() error {
	log, err := os.OpenFile(n.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.CommandContext(context.Background(), "sh", "-c", boot, n.name,
		"--data-root", filepath.Join(n.dir, "data"), "--exec-root", "/run/docker", "-p", "/run/docker.pid",
		"-H", n.address, "--cgroup-parent", n.cgroup(), "--log-level", "warn")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	n.cmd = cmd
	if err = n.wire(cmd.Process.Pid); err == nil {
		_, err = io.WriteString(stdin, "\n")
	}
	for to := range n.reached {
		if err == nil {
			err = n.reach(to)
		}
	}
	for deadline := time.Now().Add(nodeWithin); err == nil; time.Sleep(50 * time.Millisecond) {
		_, answer := attach(n.address)
		if answer == nil {
			return nil
		}
		if time.Now().After(deadline) {
			err = answer
		}
	}
	n.stop()
	text, _ := os.ReadFile(n.logPath())
	return fmt.Errorf("the node %s did not come up: %w\n%s", n.name, err, text)
}

func (n *node) logPath() string { return filepath.Join(n.dir, "dockerd.log") }

// kill is what a power cut does: nothing that ran on the node is left.
func (n *node) kill() error {
	for to, listener := range n.reached {
		if listener != nil {
			_ = listener.Close()
		}
		n.reached[to] = nil
	}
	// Of the first process of a name space the end is told after that of all others.
	if err := n.cmd.Process.Kill(); err != nil {
		return err
	}
	_ = n.cmd.Wait() // tells that it was killed
	return os.Remove(filepath.Join(n.dir, "docker.sock"))
}

func (n *node) reload() error { return n.cmd.Process.Signal(syscall.SIGHUP) }

// proc is where the node's processes are told of, by the IDs it knows them by.
func (n *node) proc() string { return fmt.Sprintf("/proc/%d/root/proc", n.cmd.Process.Pid) }

// stop ends a node for good.
func (n *node) stop() {
	if n.cmd == nil || n.cmd.Process == nil {
		return // it never was
	}
	_ = n.kill()
	removeCgroups(n.cgroup())
}

// removeCgroups removes what matches the pattern, and what is below that: of a machine that
// is lost nobody else does.
func removeCgroups(pattern string) {
	for _, below := range []string{"*/" + pattern + "/*", pattern + "/*", "*/" + pattern, pattern} { // of either version
		found, _ := filepath.Glob(filepath.Join("/sys/fs/cgroup", below))
		for _, dir := range found {
			_ = syscall.Rmdir(dir) // the files in it are the kernel's
		}
	}
}

// cgroup is what the node's containers are below. Its name begins with that of the test
// binary's directory.
func (n *node) cgroup() string {
	return filepath.Base(os.Getenv(dirVar)) + "-" + filepath.Base(filepath.Dir(n.dir)) + "-" + n.name
}

// reach lets what listens at an address of the tests' loopback be reached at the same
// address of the node's.
func (n *node) reach(to string) error {
	listener, err := n.listen(to)
	if err != nil {
		return err
	}
	n.reached[to] = listener
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			go relay(in, "tcp", to)
		}
	}()
	return nil
}

// listen listens in the node's network: a socket stays in that in which it was made.
func (n *node) listen(address string) (net.Listener, error) {
	runtime.LockOSThread()
	own, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, err
	}
	defer func() { _ = own.Close() }()
	theirs, err := os.Open("/proc/" + strconv.Itoa(n.cmd.Process.Pid) + "/ns/net")
	if err != nil {
		return nil, err
	}
	defer func() { _ = theirs.Close() }()
	if err := unix.Setns(int(theirs.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", address)
	if err := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, err // the thread stays locked, and ends with its goroutine
	}
	runtime.UnlockOSThread()
	return listener, err
}
