package dockerengine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// sshCommand is the arguments of an ssh that connects to an engine's socket on
// another host, as Docker's own tools do it.
type sshCommand []string

func newSSHCommand(u *url.URL) (sshCommand, error) {
	host := u.Hostname()
	if _, secret := u.User.Password(); secret {
		return nil, errors.New("a password has no place in it: use a key or an agent")
	}
	if host == "" {
		return nil, errors.New("no host name")
	}
	if strings.HasPrefix(host, "-") || strings.HasPrefix(u.User.Username(), "-") {
		return nil, errors.New("no name begins with -")
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("nothing may follow the host")
	}
	// A connection that waits for somebody to type is no connection.
	args := sshCommand{"-o", "BatchMode=yes", "-o", "ConnectTimeout=10"}
	if user := u.User.Username(); user != "" {
		args = append(args, "-l", user)
	}
	if port := u.Port(); port != "" {
		args = append(args, "-p", port)
	}
	return append(args, "--", host, "docker", "system", "dial-stdio"), nil
}

// sshEnd is how long an ssh may take to end once its connection has ended.
const sshEnd = time.Second

// dial starts the ssh. It lives as long as the connection, not as long as the
// call that was the first to need it.
func (c sshCommand) dial() (net.Conn, error) {
	path, err := exec.LookPath("ssh")
	if err != nil {
		return nil, errors.New("ssh is not on PATH")
	}
	cmd := exec.Command(path, c...) //nolint:noctx // see above
	conn := &sshConn{process: cmd}
	cmd.Stderr = &conn.stderr
	cmd.WaitDelay = sshEnd // a shared master of several connections keeps it open
	if conn.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if conn.out, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	conn.end = sync.OnceValue(func() error {
		_ = conn.in.Close()
		defer time.AfterFunc(sshEnd, func() { _ = cmd.Process.Kill() }).Stop()
		return cmd.Wait()
	})
	return conn, nil
}

// sshConn is a command's standard input and output as a connection.
type sshConn struct {
	process *exec.Cmd
	in      io.WriteCloser
	out     io.ReadCloser
	stderr  head
	end     func() error // waits for it; what it said is complete then
	closed  atomic.Bool
}

func (c *sshConn) Read(p []byte) (int, error) {
	n, err := c.out.Read(p)
	return n, c.explain(err)
}

func (c *sshConn) Write(p []byte) (int, error) {
	n, err := c.in.Write(p)
	return n, c.explain(err)
}

// explain tells what ssh said if it failed; what it says of a connection that
// ended well is its own affair.
func (c *sshConn) explain(err error) error {
	if err == nil || c.closed.Load() {
		return err
	}
	failed := c.end()
	if failed == nil {
		return err
	}
	if said := c.stderr.String(); said != "" {
		return errors.New("ssh: " + strings.TrimPrefix(said, "ssh: "))
	}
	return fmt.Errorf("ssh: %w", failed)
}

// Close ends the ssh.
func (c *sshConn) Close() error {
	c.closed.Store(true)
	_ = c.process.Process.Kill()
	_ = c.end() // its exit code says nothing after a kill
	return nil
}

type sshAddr struct{}

func (sshAddr) Network() string { return "ssh" }
func (sshAddr) String() string  { return "ssh" }

func (c *sshConn) LocalAddr() net.Addr              { return sshAddr{} }
func (c *sshConn) RemoteAddr() net.Addr             { return sshAddr{} }
func (c *sshConn) SetDeadline(time.Time) error      { return nil }
func (c *sshConn) SetReadDeadline(time.Time) error  { return nil }
func (c *sshConn) SetWriteDeadline(time.Time) error { return nil }

// head keeps the beginning of what a program says, which is where it says why.
type head struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const headSize = 1024

func (h *head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if room := headSize - h.buf.Len(); room > 0 {
		h.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (h *head) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(strings.Fields(h.buf.String()), " ")
}
