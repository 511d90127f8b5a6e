package enginetest

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// fileText is what the cases copy.
const fileText = "of the conformance suite\n"

func fileCases() []oneCase {
	written := time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)
	put := func(ctx context.Context, c *trial, start bool) (string, lifecycle.Archiver) {
		archiver := able[lifecycle.Archiver](c)
		id := c.container(ctx, map[bool]string{false: "created", true: "running"}[start], c.Images.Runs, lifecycle.Spec{})
		if start {
			c.done("start", c.Engine.Start(ctx, id))
		}
		c.done("copy to", archiver.CopyTo(ctx, id, c.archive(written)))
		return id, archiver
	}
	return []oneCase{
		{"files/what was copied is there, up or not", func(ctx context.Context, c *trial) {
			for _, start := range []bool{false, true} {
				id, archiver := put(ctx, c, start)
				header, text := c.copied(ctx, archiver, id)
				c.expect(text == fileText, "it holds %q, want %q", text, fileText)
				c.expect(header.Mode&0o777 == 0o640, "its mode is %o, want 640", header.Mode)
				c.expect(header.ModTime.Equal(written), "it was written at %v, want %v", header.ModTime, written)
			}
		}},
		{"files/whose one is", func(ctx context.Context, c *trial) {
			id, archiver := put(ctx, c, false)
			header, _ := c.copied(ctx, archiver, id)
			c.expect(header.Uid == 1 && header.Gid == 2, "it is of %d:%d, want 1:2", header.Uid, header.Gid)
		}},
		{"files/what is told of one", func(ctx context.Context, c *trial) {
			id, archiver := put(ctx, c, false)
			file, err := archiver.StatFile(ctx, id, "/conform/file")
			c.done("stat", err)
			c.expect(file.Size == int64(len(fileText)) && file.Mode == 0o640, "its size is %d, its mode %v", file.Size, file.Mode)
			c.expect(file.ModTime.Equal(written), "it was written at %v, want %v", file.ModTime, written)
			link, err := archiver.StatFile(ctx, id, "/conform/link")
			c.done("stat a link", err)
			c.expect(link.Mode.Type() == fs.ModeSymlink, "a link is a %v, want that it is not followed", link.Mode.Type())
			dir, err := archiver.StatFile(ctx, id, "/conform")
			c.done("stat a directory", err)
			c.expect(dir.Mode.IsDir(), "a directory is a %v", dir.Mode.Type())
		}},
		{"files/nothing there", func(ctx context.Context, c *trial) {
			id, archiver := put(ctx, c, false)
			_, err := archiver.StatFile(ctx, id, "/conform/none")
			c.notFound("stat", err)
			_, err = archiver.CopyFrom(ctx, id, "/conform/none")
			c.notFound("copy from", err)
			_, err = archiver.StatFile(ctx, namePrefix+"nobody", "/conform")
			c.notFound("stat in nobody", err)
			c.notFound("copy to nobody", archiver.CopyTo(ctx, namePrefix+"nobody", c.archive(written)))
		}},
		{"files/which were written since it was created", func(ctx context.Context, c *trial) {
			differ := able[lifecycle.Differ](c)
			id, _ := put(ctx, c, false)
			changed, err := differ.Changes(ctx, id)
			c.done("changes", err)
			for _, path := range []string{"/conform/file", "/conform/link"} {
				c.expect(slices.Contains(changed, path), "they are %v, want %s among them", changed, path)
			}
			c.expect(!slices.Contains(changed, "/bin/sh"), "they are %v, which holds what is the image's", changed)
			_, err = differ.Changes(ctx, namePrefix+"nobody")
			c.notFound("changes of nobody", err)
		}},
	}
}

// archive is a directory with a file and a link.
func (c *trial) archive(written time.Time) io.Reader {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range []tar.Header{
		{Name: "conform/", Typeflag: tar.TypeDir, Mode: 0o755, ModTime: written},
		{Name: "conform/file", Typeflag: tar.TypeReg, Mode: 0o640, Uid: 1, Gid: 2, Size: int64(len(fileText)), ModTime: written},
		{Name: "conform/link", Typeflag: tar.TypeSymlink, Linkname: "file", ModTime: written},
	} {
		c.done("write an archive", w.WriteHeader(&h))
		if h.Typeflag == tar.TypeReg {
			_, err := io.WriteString(w, fileText)
			c.done("write an archive", err)
		}
	}
	c.done("write an archive", w.Close())
	return &out
}

// copied is the archive's file, as the container has it.
func (c *trial) copied(ctx context.Context, archiver lifecycle.Archiver, id string) (*tar.Header, string) {
	stream, err := archiver.CopyFrom(ctx, id, "/conform/file")
	c.done("copy from", err)
	defer func() { _ = stream.Close() }()
	r := tar.NewReader(stream)
	header, err := r.Next()
	c.done("read the archive", err)
	text, err := io.ReadAll(io.LimitReader(r, 1<<10))
	c.done("read the archive", err)
	return header, string(text)
}
