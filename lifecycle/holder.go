package lifecycle

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// holder is who makes a swap, in a form from which another watcher can tell
// whether it still lives.
type holder struct {
	container string // the full ID of the one it runs in; empty for none
	host      string // boot and process name space, where alone the number means something
	pid       int
	since     string // when the process started, in the kernel's ticks
	nonce     string // tells two of one process apart
}

// thisHolder is this process. Where the kernel does not tell, host is empty,
// and others have to wait for the lease to end.
func thisHolder() holder {
	h := holder{pid: os.Getpid(), nonce: nonce()}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return h
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return h
	}
	since, alive, err := processSince(h.pid)
	if err != nil || !alive {
		return h
	}
	h.host = strings.TrimSpace(string(boot)) + "," + space
	h.since = since
	return h
}

func nonce() string {
	b := make([]byte, 4)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// String is what the label says.
func (h holder) String() string {
	return fmt.Sprintf("%s/%s/%d/%s/%s", h.container, h.host, h.pid, h.since, h.nonce)
}

func parseHolder(text string) (holder, bool) {
	parts := strings.Split(text, "/")
	if len(parts) != 5 {
		return holder{}, false
	}
	pid, err := strconv.Atoi(parts[2])
	return holder{parts[0], parts[1], pid, parts[3], parts[4]}, err == nil
}

// ended reports whether the process is known to have ended. One of another
// host, or of another name space, is not known.
func (h holder) ended(me holder) bool {
	if h.host == "" || h.host != me.host {
		return false
	}
	since, alive, err := processSince(h.pid)
	return err == nil && (!alive || since != h.since)
}

// earlierLife: it was a process of this one's container, in another name space of
// processes. A container has one such at a time, so that life is over.
func (h holder) earlierLife(me holder) bool {
	return h.container != "" && h.container == me.container && h.host != "" && me.host != "" && h.host != me.host
}

// processSince reads when a process started. One that has ended and waits for
// its parent to notice is not alive.
func processSince(pid int) (since string, alive bool, err error) {
	const (
		stateField = 0  // the third, behind the name
		sinceField = 19 // the 22nd
	)
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	// The name is in brackets and may hold anything, brackets included.
	fields := strings.Fields(afterLast(string(data), ")"))
	if len(fields) <= sinceField {
		return "", false, fmt.Errorf("lifecycle: /proc/%d/stat has %d fields", pid, len(fields))
	}
	return fields[sinceField], fields[stateField] != "Z" && fields[stateField] != "X", nil
}
