package watchtower_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

func ExampleTower_UpdateWith() {
	engine := enginetest.New()
	for _, name := range []string{"web", "db"} {
		engine.Publish(name+":1", enginetest.Image{Env: []string{"OF=" + name}})
		engine.Run(name, name+":1", lifecycle.Spec{})
		engine.Publish(name+":1", enginetest.Image{Env: []string{"OF=" + name, "VERSION=2"}})
	}
	tower, err := watchtower.New(
		watchtower.WithEngine(engine), watchtower.WithChecker(engine.Checker()), watchtower.WithCredentials(credentials.Static(nil)),
		watchtower.WithStableTime(10*time.Millisecond),
	)
	if err != nil {
		panic(err)
	}
	web, err := filter.Names("web")
	if err != nil {
		panic(err)
	}
	report, err := tower.UpdateWith(context.Background(), watchtower.PassRequest{Only: []watchtower.Filter{web}, NoWait: true})
	if err != nil {
		panic(err)
	}
	for _, e := range report.Entries {
		fmt.Println(e.Container.Name, e.Status)
	}
	list, err := tower.Containers(context.Background())
	if err != nil {
		panic(err)
	}
	for _, c := range list {
		fmt.Println(c.Container.Name, c.Selected)
	}
	// Output:
	// web updated
	// db true
	// web true
}

func onlyNamed(t *testing.T, names ...string) []watchtower.Filter {
	t.Helper()
	f, err := filter.Names(names...)
	require.NoError(t, err)
	return []watchtower.Filter{f}
}

// A pass for some updates those and what has to follow, and tells of no others.
func TestAnUpdateOfSomeIsAboutThose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newTown(t)
		v.run("vpn", "old", nil)
		v.run("app", "new", v.in("vpn"))
		v.run("web", "old", nil, watchtower.NoPullLabel, "perhaps")
		v.run("db", "old2", nil)
		for _, image := range []string{"old:1", "old2:1"} {
			v.Publish(image, enginetest.Image{Env: []string{"VERSION=2"}})
		}
		var told []string
		invalid := 0
		tw := memory(t, v.Engine, watchtower.WithFilter(onlyNamed(t, "vpn|app|web")...), watchtower.WithObserver(
			watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
				switch e := e.(type) {
				case watchtower.UpdateFound:
					told = append(told, e.Entry.Container.Name)
				case watchtower.ContainerSkipped:
					told = append(told, e.Container.Name+": "+e.Reason)
				case watchtower.LabelInvalid:
					invalid++
				}
			})))
		statuses := func(r *watchtower.Report, err error) map[string]watchtower.Status {
			require.NoError(t, err)
			out := map[string]watchtower.Status{}
			for _, e := range r.Entries {
				out[e.Container.Name] = e.Status
			}
			return out
		}
		_, err := tw.Check(t.Context())
		require.NoError(t, err)
		told = nil
		r, err := tw.CheckWith(t.Context(), watchtower.PassRequest{Only: onlyNamed(t, "vpn", "db")})
		assert.Equal(t, map[string]watchtower.Status{"vpn": watchtower.StatusStale, "db": watchtower.StatusSkipped}, statuses(r, err),
			"it narrows the tower's filters and widens nothing")
		assert.True(t, r.Partial)
		assert.Equal(t, []string{"db: its name is none of vpn|app|web", "vpn"}, told)

		r, err = tw.UpdateWith(t.Context(), watchtower.PassRequest{Only: onlyNamed(t, "vpn")})
		assert.Equal(t, map[string]watchtower.Status{"vpn": watchtower.StatusUpdated, "app": watchtower.StatusRestarted}, statuses(r, err))

		r, err = tw.UpdateWith(t.Context(), watchtower.PassRequest{})
		assert.Equal(t, watchtower.StatusUpdated, statuses(r, err)["web"])
		assert.Len(t, r.Entries, 4)
		assert.False(t, r.Partial)
		assert.Equal(t, 1, invalid, "a pass for others does not forget what was told of a label")
	})
}

func TestAPassThatDoesNotWaitIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newTown(t)
		v.run("web", "old", nil)
		v.Publish("old:1", enginetest.Image{Env: []string{"VERSION=2"}})
		reached, goOn := make(chan struct{}), make(chan struct{})
		own := lifecycle.Recreate(v.Engine)
		var skipped []watchtower.Event
		tw := memory(t, v.Engine, watchtower.WithUpdater(lifecycle.UpdaterFunc(
			func(ctx context.Context, to lifecycle.Target) (lifecycle.Result, error) {
				close(reached)
				<-goOn
				return own.Update(ctx, to)
			})), watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
			switch e.(type) {
			case watchtower.PassSkipped, watchtower.PassFailed:
				skipped = append(skipped, e)
			}
		})))
		ended := make(chan error)
		go func() {
			_, err := tw.UpdateWith(t.Context(), watchtower.PassRequest{NoWait: true})
			ended <- err
		}()
		<-reached
		began := false
		_, err := tw.UpdateWith(t.Context(), watchtower.PassRequest{NoWait: true, Began: func() { began = true }})
		require.EqualError(t, err, "watchtower: update: another pass is being made")
		assert.True(t, errdefs.IsConflict(err))
		assert.False(t, began)
		close(goOn)
		require.NoError(t, <-ended)
		_, err = tw.UpdateWith(t.Context(), watchtower.PassRequest{NoWait: true, Began: func() { began = true }})
		require.NoError(t, err)
		assert.True(t, began)
		require.Len(t, skipped, 1)
		assert.IsType(t, watchtower.PassSkipped{}, skipped[0])
	})
}

// mender is an updater that has something to finish of an earlier process, for as long
// as goOn is open.
type mender struct {
	lifecycle.Updater

	began, goOn chan struct{}
}

func (m *mender) Recover(context.Context, lifecycle.RecoverOptions) ([]lifecycle.Recovery, error) {
	m.began <- struct{}{}
	<-m.goOn
	return nil, nil
}

// What is finished of an earlier process does nothing of what an update is asked for.
func TestNoPassIsRefusedForWhatIsFinishedOfAnEarlierProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newTown(t)
		v.run("web", "old", nil)
		v.Publish("old:1", enginetest.Image{Env: []string{"VERSION=2"}})
		m := &mender{lifecycle.Recreate(v.Engine), make(chan struct{}), make(chan struct{})}
		skipped := 0
		tw := memory(t, v.Engine, watchtower.WithUpdater(m), watchtower.WithObserver(watchtower.ObserverFunc(func(_ context.Context, e watchtower.Event) {
			if _, ok := e.(watchtower.PassSkipped); ok {
				skipped++
			}
		})))
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- tw.Run(ctx) }()
		<-m.began
		type outcome struct {
			report *watchtower.Report
			err    error
		}
		asked := make(chan outcome)
		go func() {
			r, err := tw.UpdateWith(t.Context(), watchtower.PassRequest{NoWait: true})
			asked <- outcome{r, err}
		}()
		synctest.Wait()
		_, err := tw.UpdateWith(t.Context(), watchtower.PassRequest{NoWait: true})
		assert.True(t, errdefs.IsConflict(err), "another one does it already: %v", err)
		gone, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		_, err = tw.UpdateWith(gone, watchtower.PassRequest{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		close(m.goOn)
		done := <-asked
		require.NoError(t, done.err)
		assert.Equal(t, watchtower.StatusUpdated, entry(t, done.report, "web").Status)
		assert.Equal(t, 1, skipped)
		end()
		require.NoError(t, <-ended)
	})
}

func TestContainersAreListedWithoutARegistry(t *testing.T) {
	t.Parallel()
	v := newTown(t)
	v.run("web", "old", nil, watchtower.MonitorOnlyLabel, "true")
	v.run("other", "new", nil)
	v.Build("mine:1", enginetest.Image{Env: []string{"MINE=1"}})
	v.Run("made-here", "mine:1", lifecycle.Spec{})
	v.Calls()
	list, err := memory(t, v.Engine, watchtower.WithFilter(onlyNamed(t, "web|made-here")...)).Containers(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 3)
	assert.Equal(t, "its image was built or loaded here", list[0].Skipped)
	assert.True(t, list[0].Selected)
	assert.Empty(t, list[0].Digest)
	assert.Equal(t, "its name is none of web|made-here", list[1].Skipped)
	assert.False(t, list[1].Selected)
	assert.Empty(t, list[2].Skipped)
	assert.Regexp(t, "^sha256:", list[2].Digest)
	assert.Equal(t, "true", list[2].Policy.Get("monitor-only").Value)
	assert.Len(t, v.Calls(), 3, "a ping and two lists")
}
