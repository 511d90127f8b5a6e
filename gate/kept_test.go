package gate_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/gate"
)

func open(t *testing.T, dir string) *gate.Memory {
	t.Helper()
	m, err := gate.OpenMemory(dir, func(err error) { t.Error(err) })
	require.NoError(t, err)
	return m
}

func TestACooldownCountsFromWhenThisHostSawTheImage(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	dir := t.TempDir()
	g := gate.Cooldown(3*day, open(t, dir))
	steps := []struct {
		name    string
		restart bool
		at      time.Time
		c       gate.Candidate
		until   time.Time // zero: accepted
	}{
		{"new", false, noon, gate.Candidate{Digest: "A"}, noon.Add(3 * day)},
		{"still young", false, noon.Add(day), gate.Candidate{Digest: "A"}, noon.Add(3 * day)},
		{"after a restart", true, noon.Add(2 * day), gate.Candidate{Digest: "A"}, noon.Add(3 * day)},
		{"old, by what it says of itself", false, noon.Add(2 * day), gate.Candidate{
			Digest: "A", Next: &gate.Metadata{Created: time.Unix(0, 0)},
		}, noon.Add(3 * day)},
		{"old enough", false, noon.Add(3 * day), gate.Candidate{Digest: "A"}, time.Time{}},
		{"another one starts anew", false, noon.Add(3 * day), gate.Candidate{Digest: "B"}, noon.Add(6 * day)},
		{"and so does one that comes back", true, noon.Add(4 * day), gate.Candidate{Digest: "A"}, noon.Add(7 * day)},
		{"a clock that was set back", false, noon.Add(2 * day), gate.Candidate{Digest: "A"}, noon.Add(5 * day)},
		{"the index moves, the image does not", false, noon.Add(2 * day), gate.Candidate{Digest: "X1", ImageID: "I", Reference: "r"}, noon.Add(5 * day)},
		{"which changes nothing", false, noon.Add(3 * day), gate.Candidate{Digest: "X2", ImageID: "I", Reference: "r"}, noon.Add(5 * day)},
		{"another platform has its own", false, noon.Add(4 * day), gate.Candidate{Digest: "X2", ImageID: "P", Reference: "r", Platform: "linux/arm64"}, noon.Add(7 * day)},
		{"a machine without the time", true, time.Unix(100, 0), gate.Candidate{Digest: "N"}, time.Unix(100, 0).Add(3 * day)},
		{"which it has learned since", false, noon.Add(5 * day), gate.Candidate{Digest: "N"}, noon.Add(8 * day)},
		{"and disturbs nobody", false, noon.Add(5 * day), gate.Candidate{Digest: "X2", ImageID: "I", Reference: "r"}, time.Time{}},
	}
	for _, s := range steps {
		if s.restart {
			g = gate.Cooldown(3*day, open(t, dir))
		}
		s.c.At = s.at
		d, err := g.Judge(t.Context(), s.c)
		require.NoError(t, err, s.name)
		assert.Equal(t, s.until.IsZero(), d.Accepted(), s.name)
		assert.True(t, s.until.Equal(d.Until), "%s: %v", s.name, d)
		if !d.Accepted() {
			assert.Contains(t, d.Reason, "cooling down: first seen ", s.name)
			assert.Contains(t, d.Reason, "to wait 72h0m0s", s.name)
		}
	}
	d, err := gate.Cooldown(0, nil).Judge(t.Context(), gate.Candidate{At: noon, Digest: "N"})
	require.NoError(t, err)
	assert.True(t, d.Accepted(), "no delay, no hold")
}

func TestApprovals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, err := gate.OpenApprovals(dir, nil)
	require.NoError(t, err)
	one, other := digest.FromString("one").String(), digest.FromString("other").String()
	judge := func(c gate.Candidate) string {
		d, err := a.Judge(t.Context(), c)
		require.NoError(t, err)
		return d.Reason
	}
	assert.Equal(t, "waits for somebody to approve "+one, judge(gate.Candidate{Digest: one}))
	require.NoError(t, a.Approve(one))
	assert.Empty(t, judge(gate.Candidate{Digest: one}))
	assert.Empty(t, judge(gate.Candidate{Digest: other, ImageID: one}), "the image in another index")
	assert.NotEmpty(t, judge(gate.Candidate{Digest: other}), "a new digest needs a new yes")
	a, err = gate.OpenApprovals(dir, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{one}, listed(t, a), "a yes outlives the process")
	require.NoError(t, a.Withdraw(one))
	assert.NotEmpty(t, judge(gate.Candidate{Digest: one}))
	assert.NotEmpty(t, judge(gate.Candidate{}))
	for _, bad := range []string{"", "yes", "sha256:12", strings.Repeat("0", 64)} {
		assert.True(t, errdefs.IsInvalidArgument(a.Approve(bad)), bad)
	}
	var zero gate.Approvals
	require.NoError(t, zero.Approve(one))
	assert.Equal(t, []string{one}, listed(t, &zero))
}

func listed(t *testing.T, a *gate.Approvals) []string {
	t.Helper()
	digests, err := a.List()
	require.NoError(t, err)
	return digests
}

// A watcher and the command with which somebody says yes are two processes.
func TestSeveralProcessesGoByOneFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	approvals := func() *gate.Approvals {
		a, err := gate.OpenApprovals(dir, func(err error) { t.Error(err) })
		require.NoError(t, err)
		return a
	}
	one, other := digest.FromString("one").String(), digest.FromString("other").String()
	watcher, command := approvals(), approvals()
	judge := func(d string) bool {
		decision, err := watcher.Judge(t.Context(), gate.Candidate{Digest: d})
		require.NoError(t, err)
		return decision.Accepted()
	}
	assert.False(t, judge(one))
	require.NoError(t, command.Approve(one))
	assert.True(t, judge(one), "a yes is heard at once")
	require.NoError(t, command.Withdraw(one))
	assert.False(t, judge(one), "and so is its end")
	require.NoError(t, watcher.Approve(other))
	assert.Equal(t, []string{other}, listed(t, approvals()), "which does not come back")

	var group sync.WaitGroup
	for i := range 8 {
		a, m := approvals(), open(t, dir)
		group.Go(func() {
			for j := range 10 {
				name := fmt.Sprint(i, "-", j)
				assert.NoError(t, a.Approve(digest.FromString(name).String()))
				_, err := m.FirstSeen(name, "image", noon)
				assert.NoError(t, err)
			}
		})
	}
	group.Wait()
	assert.Len(t, listed(t, watcher), 1+8*10, "none is lost")
	for i := range 8 {
		first, err := open(t, dir).FirstSeen(fmt.Sprint(i, "-0"), "image", noon.Add(time.Hour))
		require.NoError(t, err)
		assert.Equal(t, noon, first)
	}

	path := filepath.Join(dir, "approved.json")
	require.NoError(t, os.WriteFile(path, []byte("{}"), 0o600))
	told := 0
	a, err := gate.OpenApprovals(t.TempDir(), nil)
	require.NoError(t, err)
	assert.Empty(t, listed(t, a))
	a, err = gate.OpenApprovals(dir, func(error) { told++ })
	require.NoError(t, err)
	assert.Empty(t, listed(t, a))
	require.NoError(t, os.WriteFile(path, []byte("not what was written"), 0o600))
	assert.Empty(t, listed(t, a), "what is damaged meanwhile is set aside, too")
	assert.Equal(t, 2, told)
}

func TestADamagedFileIsSetAsideAndSaid(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"half a file": `{"version":1,"val`, "another version": `{"version":2,"value":{}}`, "something else": `{"version":1,"value":[1]}`,
		"nothing": `{"version":1,"value":null}`, "no value": `{"version":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "first-seen.json")
			require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
			var told []string
			m, err := gate.OpenMemory(dir, func(err error) { told = append(told, err.Error()) })
			require.NoError(t, err)
			require.Len(t, told, 1)
			assert.Contains(t, told[0], path+" is not what was written there")
			kept, err := os.ReadFile(path + ".damaged")
			require.NoError(t, err)
			assert.Equal(t, content, string(kept))
			_, err = m.FirstSeen("r", "i", noon)
			require.NoError(t, err)
			first, err := open(t, dir).FirstSeen("r", "i", noon.Add(time.Hour))
			require.NoError(t, err)
			assert.Equal(t, noon, first)
		})
	}
}

func TestADirectoryThatCannotKeepAnything(t *testing.T) {
	t.Parallel()
	gone := filepath.Join(t.TempDir(), "gone")
	_, err := gate.OpenMemory(gone, nil)
	assert.True(t, errdefs.IsInvalidArgument(err))
	require.EqualError(t, err, `gate: OpenMemory: "`+gone+`": want a directory that is there`)
	_, err = gate.OpenApprovals(gone, nil)
	assert.True(t, errdefs.IsInvalidArgument(err))

	dir := filepath.Join(t.TempDir(), "state")
	require.NoError(t, os.Mkdir(dir, 0o700))
	m := open(t, dir)
	var a gate.Approvals
	require.NoError(t, a.Approve(digest.FromString("x").String()))
	kept, err := gate.OpenApprovals(dir, nil)
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(dir))
	for range 2 {
		_, err = gate.Cooldown(time.Hour, m).Judge(t.Context(), gate.Candidate{At: noon, Digest: "A"})
		assert.True(t, errdefs.IsUnavailable(err), "a clock that cannot be kept is no hold: %v", err)
	}
	assert.True(t, errdefs.IsUnavailable(kept.Approve(digest.FromString("x").String())))
	assert.Empty(t, listed(t, kept), "a yes that could not be kept does not count")
}
