package enginehost

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Forever is a command that runs until it is asked to stop, and then stops at
// once: busybox as the first process would ignore the signal.
var Forever = []string{"/bin/sh", "-c", `trap "exit 0" TERM INT; while :; do sleep 1000 & wait $!; done`}

// Image is a small image on a static busybox.
type Image struct {
	Env, Cmd, Entrypoint []string
	Labels               map[string]string
	// Volumes are paths, Ports are such as "80/tcp".
	Volumes, Ports []string
	// Healthcheck is as the engine's API has it, times in nanoseconds.
	Healthcheck Object
	WorkingDir  string
	User        string
	StopSignal  string
	// Files are text by path, in a layer of their own.
	Files map[string]string
	// Architecture is this machine's if empty.
	Architecture string
	// NoBusybox leaves the first layer out.
	NoBusybox bool
}

// layers returns the image's compressed layers, each with the digest of its
// uncompressed text.
func (img Image) layers(t testing.TB) (blobs [][]byte, diffIDs []string) {
	t.Helper()
	add := func(write func(*tar.Writer)) {
		var plain bytes.Buffer
		w := tar.NewWriter(&plain)
		write(w)
		require.NoError(t, w.Close())
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, err := z.Write(plain.Bytes())
		require.NoError(t, err)
		require.NoError(t, z.Close())
		blobs = append(blobs, packed.Bytes())
		diffIDs = append(diffIDs, digestOf(plain.Bytes()))
	}
	if !img.NoBusybox {
		add(func(w *tar.Writer) { busyboxLayer(t, w) })
	}
	if len(img.Files) > 0 || img.NoBusybox {
		add(func(w *tar.Writer) {
			for _, path := range sortedKeys(img.Files) {
				writeFile(t, w, path, []byte(img.Files[path]), 0o755)
			}
		})
	}
	return blobs, diffIDs
}

func busyboxLayer(t testing.TB, w *tar.Writer) {
	t.Helper()
	path, err := exec.LookPath("busybox")
	require.NoError(t, err, "Debian's busybox-static")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, dir := range []string{"bin", "tmp", "etc"} {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: dir + "/", Typeflag: tar.TypeDir, Mode: 0o777}))
	}
	writeFile(t, w, "bin/busybox", data, 0o755)
	for _, applet := range []string{"sh", "sleep", "cat", "echo", "httpd", "wget", "env", "ls", "touch", "true", "false", "nslookup", "nc", "hostname", "ps"} {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: "bin/" + applet, Typeflag: tar.TypeSymlink, Linkname: "busybox"}))
	}
}

func writeFile(t testing.TB, w *tar.Writer, path string, data []byte, mode int64) {
	t.Helper()
	require.NoError(t, w.WriteHeader(&tar.Header{Name: path, Mode: mode, Size: int64(len(data))}))
	_, err := w.Write(data)
	require.NoError(t, err)
}

// config is the image's configuration.
func (img Image) config(t testing.TB, diffIDs []string) []byte {
	t.Helper()
	arch := img.Architecture
	if arch == "" {
		arch = runtime.GOARCH
	}
	cmd := img.Cmd
	if cmd == nil && img.Entrypoint == nil {
		cmd = Forever
	}
	config := Object{
		"Env": append([]string{"PATH=/bin"}, img.Env...), "Cmd": cmd, "Entrypoint": img.Entrypoint, "Labels": img.Labels,
		"Volumes": set(img.Volumes), "ExposedPorts": set(img.Ports), "WorkingDir": img.WorkingDir, "User": img.User,
	}
	if img.Healthcheck != nil {
		config["Healthcheck"] = img.Healthcheck
	}
	if img.StopSignal != "" {
		config["StopSignal"] = img.StopSignal
	}
	return encode(t, Object{
		"architecture": arch, "os": "linux", "config": config, "created": "2020-01-01T00:00:00Z",
		"rootfs": Object{"type": "layers", "diff_ids": diffIDs},
	})
}

func set(keys []string) Object {
	if len(keys) == 0 {
		return nil
	}
	out := Object{}
	for _, k := range keys {
		out[k] = Object{}
	}
	return out
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return data
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
