package watchtower_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func TestWhatFailedIsRememberedInTheStateDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		e.Publish("app:1", enginetest.Image{})
		e.Run("web", "app:1", lifecycle.Spec{})
		e.Publish("app:1", enginetest.Image{StartError: "no such file", Log: "last words"})
		state := watchtower.WithStateDirectory(dir)
		pass := func(opts ...watchtower.Option) watchtower.Entry {
			r, err := memory(t, e, opts...).Update(t.Context())
			require.NoError(t, err)
			return entry(t, r, "web")
		}
		failed := pass(state)
		assert.Equal(t, watchtower.StatusRolledBack, failed.Status)
		assert.Equal(t, "last words", failed.Failure.Log)
		again := pass(state)
		assert.Equal(t, watchtower.StatusSkipped, again.Status, "another Tower knows")
		assert.Equal(t, "this digest failed on 2000-01-01T00:00:00Z: "+failed.Latest, again.Reason)
		assert.True(t, again.OutOfDate, "and nobody is told that all is well")
		assert.Equal(t, watchtower.StatusRolledBack, pass().Status, "one without the directory does not")

		e.Publish("app:1", enginetest.Image{Env: []string{"VERSION=3"}})
		updated := pass(state)
		assert.Equal(t, watchtower.StatusUpdated, updated.Status, "another digest is tried")
		assert.False(t, updated.OutOfDate)
		data, err := os.ReadFile(filepath.Join(dir, "failed-digests.json"))
		require.NoError(t, err)
		assert.JSONEq(t, `{"version":1,"value":{}}`, string(data), "and what failed before is history")
	})
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, names, 2, "nothing is left beside it and its lock")
	for i, name := range []string{"failed-digests.json", "failed-digests.json.lock"} {
		assert.Equal(t, name, names[i].Name())
		info, err := names[i].Info()
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode(), name)
	}
}

func TestAStateDirectoryThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	state := func(dir string) error {
		_, err := watchtower.New(watchtower.WithEngine(enginetest.New()), watchtower.WithStateDirectory(dir))
		return err
	}
	for _, dir := range []string{"", filepath.Join(t.TempDir(), "missing"), "/proc"} {
		err := state(dir)
		require.ErrorContains(t, err, "WithStateDirectory")
		assert.True(t, errdefs.IsInvalidArgument(err))
	}
	broken := t.TempDir()
	file := filepath.Join(broken, "failed-digests.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"web":`), 0o600))
	require.NoError(t, state(broken), "a broken file is begun anew")
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.JSONEq(t, `{"version":1,"value":{}}`, string(data))
	data, err = os.ReadFile(file + ".damaged")
	require.NoError(t, err)
	assert.Equal(t, `{"web":`, string(data), "and set aside")
}
