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
	if host == "" || strings.HasPrefix(host, "-") || strings.HasPrefix(u.User.Username(), "-") {
		return nil, errors.New("no host name")
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

// dial starts the ssh. It lives as long as the connection, not as long as the
// call that was the first to need it.
func (c sshCommand) dial() (net.Conn, error) {
	path, err := exec.LookPath("ssh")
	if err != nil {
		return nil, errors.New("ssh is not on PATH")
	}
	cmd := exec.Command(path, c...) //nolint:noctx // see above
	conn := &sshConn{cmd: cmd}
	cmd.Stderr = &conn.stderr
	if conn.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if conn.out, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return conn, nil
}

// sshConn is a command's standard input and output as a connection.
type sshConn struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.ReadCloser
	stderr tail
	once   sync.Once
}

// Read tells what ssh said if it ended without a word from the engine.
func (c *sshConn) Read(p []byte) (int, error) {
	n, err := c.out.Read(p)
	return n, c.explain(err)
}

func (c *sshConn) Write(p []byte) (int, error) {
	n, err := c.in.Write(p)
	return n, c.explain(err)
}

func (c *sshConn) explain(err error) error {
	if err == nil {
		return nil
	}
	if said := c.stderr.String(); said != "" {
		return fmt.Errorf("ssh: %s", said)
	}
	return err
}

// Close ends the ssh.
func (c *sshConn) Close() error {
	c.once.Do(func() {
		_ = c.in.Close()
		if c.cmd.Process != nil {
			_ = c.cmd.Process.Kill()
		}
		_ = c.cmd.Wait() // its exit code says nothing after a kill
	})
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

// tail keeps the beginning of what a program says, which is where it says why.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const tailSize = 1024

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := tailSize - t.buf.Len(); room > 0 {
		t.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(strings.Fields(t.buf.String()), " ")
}
