package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
)

// Those who ask for health are other processes of the same container, where there
// may be no place to write. So the watcher listens on an abstract socket, which
// needs none: a name in the network's name space, gone with the process.
//
// On the host's network other containers have the same name space, and outside of
// containers other users do. The name holds what tells containers apart, and who
// the watcher is; its end is random, and found in the system's list of sockets, so
// that nobody can take it first. Who answers is asked of the system, too: a
// stranger's answer does not count.

// sockets is the system's list of unix sockets.
const sockets = "/proc/net/unix"

// healthPrefix begins the names of a user's watchers in this container: its root
// directory is no other container's.
func healthPrefix(user int) (string, error) {
	var root syscall.Stat_t
	if err := syscall.Stat("/", &root); err != nil {
		return "", fmt.Errorf("look at the root directory: %w", err)
	}
	return fmt.Sprintf("@watchtower-health/%x.%x/%d/", root.Dev, root.Ino, user), nil
}

func listenHealth() (net.Listener, error) {
	prefix, err := healthPrefix(os.Geteuid())
	if err != nil {
		return nil, err
	}
	return net.ListenUnix("unix", &net.UnixAddr{Name: prefix + rand.Text(), Net: "unix"})
}

// askHealth asks every watcher that is found.
func askHealth(ctx context.Context) ([]healthAnswer, error) {
	prefix, err := healthPrefix(os.Geteuid())
	if err != nil {
		return nil, err
	}
	names, err := listening(prefix)
	if err != nil {
		return nil, err
	}
	var out []healthAnswer
	var dialer net.Dialer
	for _, name := range names {
		conn, err := dialer.DialContext(ctx, "unix", name)
		if err != nil {
			continue // it has ended meanwhile, or is a stranger's that takes nobody in
		}
		if !trusted(conn) {
			_ = conn.Close()
			continue // it is another user's
		}
		a, err := askOne(ctx, conn)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// listening are the sockets of that prefix that take connections.
func listening(prefix string) ([]string, error) {
	file, err := os.Open(sockets)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	const accepts = "00010000" // the flag of a socket that listens; each connection is listed, too
	var out []string
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		// Num RefCount Protocol Flags Type St Inode Path
		fields := strings.Fields(lines.Text())
		if len(fields) == 8 && fields[3] == accepts && strings.HasPrefix(fields[7], prefix) {
			out = append(out, fields[7])
		}
	}
	slices.Sort(out)
	return out, lines.Err()
}

// trusted: the other side is this user.
func trusted(conn net.Conn) bool {
	c, ok := conn.(*net.UnixConn)
	if !ok {
		return false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	var peer *syscall.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		peer, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err != nil || failed != nil {
		return false
	}
	return int(peer.Uid) == os.Geteuid()
}
