package lifecycle

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// layer is an engine whose one container has these files in its own layer.
type layer struct {
	Engine
	files  map[string]FileStat
	broken error
}

func (l layer) Changes(context.Context, string) (out []string, err error) {
	for path := range l.files {
		out = append(out, path)
	}
	slices.Sort(out)
	return append(out, "/vanished"), l.broken
}

func (l layer) StatFile(_ context.Context, _, path string) (FileStat, error) {
	if stat, ok := l.files[path]; ok {
		return stat, nil
	}
	return FileStat{}, errdefs.ErrNotFound
}

func (l layer) CopyFrom(_ context.Context, _, path string) (io.ReadCloser, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	text := strings.Repeat("x", int(l.files[path].Size))
	err := w.WriteHeader(&tar.Header{Name: "base", Size: int64(len(text)), Mode: 0o440, Uid: 7, Gid: 8, ModTime: l.files[path].ModTime})
	_, err2 := io.WriteString(w, text)
	return io.NopCloser(&out), errors.Join(err, err2, w.Close())
}

func (l layer) CopyTo(context.Context, string, io.Reader) error { return nil }

func TestWhatComposeCopiedIsToldFromWhatTheContainerWrote(t *testing.T) {
	t.Parallel()
	created := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	copied, wrote := created.Truncate(time.Second), created.Add(time.Millisecond)
	file := func(at time.Time) FileStat { return FileStat{Size: 3, Mode: 0o440, ModTime: at} }
	engine := layer{files: map[string]FileStat{
		"/etc":             {Mode: fs.ModeDir | 0o755, ModTime: copied},
		"/etc/app.conf":    file(copied),
		"/plain":           file(copied.Add(time.Second)),
		"/run.pid":         file(wrote),
		"/usr/bin/tool":    file(created.Add(-time.Hour).Truncate(time.Second)), // installed at run time
		"/empty":           {Mode: fs.ModeDir | 0o755, ModTime: copied},
		"/link":            {Mode: fs.ModeSymlink, ModTime: copied},
		"/data":            file(copied),
		"/scratch/app":     file(copied),
		"/database/a.conf": file(copied),
	}}
	snap := Snapshot{
		Container:  Container{ID: oldID, Created: created},
		Config:     doc(t, `{"Labels":{"com.docker.compose.project":"p"}}`),
		HostConfig: doc(t, `{"Tmpfs":{"/scratch":""}}`), Mounts: []Mount{{Destination: "/data"}},
	}
	r := &recreator{engine: engine}
	files, err := r.copiedFiles(t.Context(), snap)
	require.NoError(t, err)
	var names []string
	in := tar.NewReader(bytes.NewReader(files))
	for {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		names = append(names, header.Name)
		assert.Equal(t, []int{7, 8, 0o440, 3}, []int{header.Uid, header.Gid, int(header.Mode), int(header.Size)})
		assert.WithinDuration(t, time.Now(), header.ModTime, time.Minute, "the next update finds it by its time")
		assert.Zero(t, header.ModTime.Nanosecond())
	}
	assert.Equal(t, []string{"database/a.conf", "etc/app.conf", "plain"}, names)

	engine.files["/big"] = FileStat{Size: maxCopied, ModTime: copied}
	_, err = r.copiedFiles(t.Context(), snap)
	require.ErrorContains(t, err, "makes it more than 1048576 bytes")
	assert.ErrorContains(t, err, "the label com.centurylinklabs.watchtower.drop-copied-files=true leaves it behind")
	assert.True(t, errdefs.IsFailedPrecondition(err))

	for _, labels := range []string{`{"Labels":{}}`, `{"Labels":{"com.docker.compose.project":"p","com.centurylinklabs.watchtower.drop-copied-files":"true"}}`} {
		snap.Config = doc(t, labels)
		files, err = r.copiedFiles(t.Context(), snap)
		require.NoError(t, err)
		assert.Nil(t, files, labels)
	}
}

func TestAnEngineThatCannotTellWhatWasCopiedIsAnError(t *testing.T) {
	t.Parallel()
	snap := Snapshot{Config: doc(t, `{"Labels":{"com.docker.compose.project":"p"}}`)}
	_, err := (&recreator{engine: layer{broken: errdefs.ErrUnavailable}}).copiedFiles(t.Context(), snap)
	require.Error(t, err)
	assert.True(t, errdefs.IsUnavailable(err))
}
