package enginehost

import (
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// The request that sets a file's flags, and the flag of one that nobody can
// remove, as ioctl_iflags(2) has them.
const (
	setFlags  = 0x40086602
	immutable = 0x10
)

// HalfRemove makes a "dead" container of one that has ended: its removal is tried
// while something in its layer cannot be removed. One that is tried after that
// succeeds. The engine has to be the tests' own.
func (h *Host) HalfRemove(t testing.TB, container string) {
	t.Helper()
	if !h.Own() {
		unproven(t, "the engine is not the tests' own: its files cannot be reached")
	}
	graph, _ := h.Inspect(t, container)["GraphDriver"].(Object)
	data, _ := graph["Data"].(Object)
	layer, _ := data["UpperDir"].(string)
	require.NotEmpty(t, layer, "the container's own layer, as overlay2 tells it")
	file, err := os.Create(filepath.Join(layer, "stays"))
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	flag := func(flags uint32) {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, file.Fd(), setFlags, uintptr(unsafe.Pointer(&flags)))
		require.Zero(t, errno, "%v", errno)
	}
	flag(immutable)
	status := h.Status(t, http.MethodDelete, "/containers/"+container, nil)
	flag(0)
	require.Equal(t, http.StatusInternalServerError, status, "of a removal that fails half way")
}
