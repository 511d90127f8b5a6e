package lifecycle

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
)

const (
	// LabelDropFiles set to "true" on a container of Compose's lets an update
	// leave behind the files that Compose copied into it, where they cannot be
	// carried over.
	LabelDropFiles = labelPrefix + "drop-copied-files"

	composeProject = "com.docker.compose.project"

	// maxCopied bounds what is carried over, in bytes: configurations and
	// secrets are text out of a Compose file or an environment variable.
	maxCopied = 1 << 20
	// clockSkew is how far the clock of who ran Compose may be behind the
	// engine's.
	clockSkew = time.Minute
)

// copiedFiles are the files that Compose copied into the container between its
// creation and its start, as an archive from the root; nil for none. That is how
// it serves configurations and secrets with a content of their own, and nobody
// else knows that content.
//
// They are told from what the container wrote itself by their time: Compose's
// archive has whole seconds, and not before the container was made. A process
// that writes a file leaves a fraction in it.
func (r *recreator) copiedFiles(ctx context.Context, snap Snapshot) ([]byte, error) {
	differ, ok := r.engine.(Differ)
	archiver, ok2 := r.engine.(Archiver)
	labels := snap.Config.Object("Labels")
	if !ok || !ok2 || labels.Text(composeProject) == "" || labels.Text(LabelDropFiles) == "true" {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	files, err := collect(ctx, differ, archiver, snap)
	if err != nil {
		return nil, fmt.Errorf("carry over what Compose copied into it (the label %s=true leaves it behind): %w", LabelDropFiles, err)
	}
	return files, nil
}

func collect(ctx context.Context, differ Differ, archiver Archiver, snap Snapshot) ([]byte, error) {
	changed, err := differ.Changes(ctx, snap.ID)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, path := range leaves(changed) {
		if mounted(snap, path) {
			continue
		}
		stat, err := archiver.StatFile(ctx, snap.ID, path)
		if errdefs.IsNotFound(err) {
			continue // gone meanwhile
		}
		if err != nil {
			return nil, err
		}
		if !stat.Mode.IsRegular() || stat.ModTime.Nanosecond() != 0 || stat.ModTime.Before(snap.Created.Add(-clockSkew)) {
			continue
		}
		if int64(out.Len())+stat.Size > maxCopied {
			return nil, precondition("%s makes it more than %d bytes", path, maxCopied)
		}
		if err := addFile(ctx, w, archiver, snap.ID, path); err != nil {
			return nil, err
		}
	}
	if out.Len() == 0 {
		return nil, nil
	}
	return out.Bytes(), w.Close()
}

// addFile adds one file, with its owner and mode. Its time is now, as it would
// be if Compose made the successor: so the next update finds it again.
func addFile(ctx context.Context, w *tar.Writer, archiver Archiver, container, path string) error {
	stream, err := archiver.CopyFrom(ctx, container, path)
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }()
	in := tar.NewReader(stream)
	header, err := in.Next()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if header.Typeflag != tar.TypeReg || header.Size > maxCopied {
		return precondition("%s changed meanwhile", path)
	}
	err = w.WriteHeader(&tar.Header{
		Name: strings.TrimPrefix(path, "/"), Typeflag: tar.TypeReg, Size: header.Size, Mode: header.Mode,
		Uid: header.Uid, Gid: header.Gid, ModTime: time.Now().Truncate(time.Second),
	})
	if err == nil {
		_, err = io.Copy(w, in) //nolint:gosec // bounded by the header's size
	}
	return err
}

// putFiles unpacks what copiedFiles found into a container that has not been
// started.
func (r *recreator) putFiles(ctx context.Context, container string, files []byte) error {
	if files == nil {
		return nil
	}
	archiver, ok := r.engine.(Archiver)
	if !ok {
		return errors.New("the engine copies no files")
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return named("copy files", archiver.CopyTo(ctx, container, bytes.NewReader(files)))
}

// leaves are the paths that are no parents of others.
func leaves(paths []string) []string {
	parents := map[string]bool{}
	for _, path := range paths {
		for i := strings.LastIndex(path, "/"); i > 0 && !parents[path[:i]]; i = strings.LastIndex(path[:i], "/") {
			parents[path[:i]] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return parents[path] })
}

// mounted: the path is, or is below, something that is not the container's own
// layer.
func mounted(snap Snapshot, path string) bool {
	below := func(dir string) bool { return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/") }
	for dir := range snap.HostConfig.Object("Tmpfs") {
		if below(dir) {
			return true
		}
	}
	return slices.ContainsFunc(snap.Mounts, func(m Mount) bool { return below(m.Destination) })
}
