package enginehost

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
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
	// Defaults are further fields of the configuration, as the engine's API has
	// them.
	Defaults Object
	// Files are text by path, in a layer of their own.
	Files map[string]string
	// Architecture is this machine's if empty.
	Architecture string
	// NoBusybox leaves the first layer out.
	NoBusybox bool
}

// layer is one layer as the registry holds it, and the digest of its
// uncompressed text.
type layer struct {
	blob   []byte
	diffID string
}

// busybox is made once: it is the same in every image, and slow to compress.
var busybox = sync.OnceValues(func() (layer, error) {
	path, err := exec.LookPath("busybox")
	if err != nil {
		return layer{}, fmt.Errorf("of the package busybox-static: %w", err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return layer{}, err
	}
	var entries []tar.Header
	for _, dir := range []string{"bin", "tmp", "etc"} {
		entries = append(entries, tar.Header{Name: dir + "/", Typeflag: tar.TypeDir, Mode: 0o777})
	}
	for _, applet := range []string{"sh", "sleep", "cat", "echo", "httpd", "wget", "env", "ls", "touch", "true", "false", "nslookup", "nc", "hostname", "ps"} {
		entries = append(entries, tar.Header{Name: "bin/" + applet, Typeflag: tar.TypeSymlink, Linkname: "busybox"})
	}
	return pack(entries, map[string]string{"bin/busybox": string(data)})
})

// pack makes a layer of directories and links, and of files by path.
func pack(entries []tar.Header, files map[string]string) (layer, error) {
	var plain, packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed) // a program is large, and the registry next door
	if err != nil {
		return layer{}, err
	}
	w := tar.NewWriter(io.MultiWriter(&plain, z))
	for i := range entries {
		if err := w.WriteHeader(&entries[i]); err != nil {
			return layer{}, err
		}
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Name: path, Mode: 0o755, Size: int64(len(files[path]))}); err != nil {
			return layer{}, err
		}
		if _, err := io.WriteString(w, files[path]); err != nil {
			return layer{}, err
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		return layer{}, err
	}
	return layer{packed.Bytes(), digestOf(plain.Bytes())}, nil
}

// largeLayers are those that are slow to compress, by the digest of their files.
var largeLayers sync.Map

// packOnce packs files, and large ones once: many versions of an image have them.
func packOnce(files map[string]string) (layer, error) {
	const large = 1 << 20
	size, sum := 0, sha256.New()
	for _, path := range slices.Sorted(maps.Keys(files)) {
		size += len(files[path])
		_, _ = fmt.Fprintf(sum, "%q %d ", path, len(files[path])) // never fails
		_, _ = io.WriteString(sum, files[path])
	}
	if size < large {
		return pack(nil, files)
	}
	key := hex.EncodeToString(sum.Sum(nil))
	if made, ok := largeLayers.Load(key); ok {
		return made.(layer), nil
	}
	made, err := pack(nil, files)
	if err == nil {
		largeLayers.Store(key, made)
	}
	return made, err
}

// layers returns the image's layers, the lowest first.
func (img Image) layers(t testing.TB) []layer {
	t.Helper()
	var out []layer
	if !img.NoBusybox {
		base, err := busybox()
		require.NoError(t, err)
		out = append(out, base)
	}
	if len(img.Files) > 0 || img.NoBusybox {
		own, err := packOnce(img.Files)
		require.NoError(t, err)
		out = append(out, own)
	}
	return out
}

// Content is what a registry keeps of the image: its manifest, in Docker's own
// format, and the blobs which that names.
func (img Image) Content(t testing.TB) (manifest []byte, blobs [][]byte) {
	t.Helper()
	made := img.layers(t)
	config := img.config(t, made)
	layers := make([]Object, len(made))
	for i, l := range made {
		layers[i] = Object{"mediaType": typeLayer, "size": len(l.blob), "digest": digestOf(l.blob)}
		blobs = append(blobs, l.blob)
	}
	return encode(t, Object{
		"schemaVersion": 2, "mediaType": typeManifest, "layers": layers,
		"config": Object{"mediaType": typeConfig, "size": len(config), "digest": digestOf(config)},
	}), append(blobs, config)
}

// config is the image's configuration.
func (img Image) config(t testing.TB, layers []layer) []byte {
	t.Helper()
	diffIDs := make([]string, len(layers))
	for i, l := range layers {
		diffIDs[i] = l.diffID
	}
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
	maps.Copy(config, img.Defaults)
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
