package enginetest_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// inMemory is the engine in memory as the cases want it, new for each.
func inMemory(*testing.T) enginetest.Subject {
	e := enginetest.New()
	publish := func(name string, change func(*enginetest.Image)) string {
		image := enginetest.Image{Labels: map[string]string{"conform": "image"}, Log: "out\nerr\n"}
		change(&image)
		e.Publish("conform.test/"+name+":1", image)
		return "conform.test/" + name + ":1"
	}
	images := enginetest.Images{
		Runs:      publish("runs", func(i *enginetest.Image) { i.Exec = enginetest.Exec{ExitCode: 7, Output: "answer\n"} }),
		Volume:    publish("volume", func(i *enginetest.Image) { i.Volumes = []string{"/data"} }),
		Healthy:   publish("healthy", func(i *enginetest.Image) { i.Health = "healthy" }),
		Stubborn:  publish("stubborn", func(*enginetest.Image) {}),
		Exits:     publish("exits", func(i *enginetest.Image) { i.Exits, i.ExitCode = true, 3 }),
		Broken:    publish("broken", func(i *enginetest.Image) { i.StartError = "no such file" }),
		Spare:     publish("spare", func(i *enginetest.Image) { i.Env = []string{"OF=spare"} }),
		Missing:   "conform.test/missing:1",
		BreaksOff: publish("breaks", func(i *enginetest.Image) { i.Env = []string{"OF=breaks"} }),
		Private:   publish("private", func(i *enginetest.Image) { i.Env = []string{"OF=private"} }),
		Asks:      []string{"ask"},
	}
	e.SetFault(func(_ int, c enginetest.Call) enginetest.Fault {
		if c.Method == "Pull" && c.Subject == images.BreaksOff {
			return enginetest.Before
		}
		return enginetest.None
	})
	return enginetest.Subject{Engine: e, Images: images, Networks: []string{"a", "b"}, Volumes: e.Volumes}
}

// memoryCannot is what the engine in memory does not play.
func memoryCannot() map[string]string {
	const (
		noFiles   = "its images have no files"
		noProcess = "its processes end as soon as they are asked to"
	)
	return map[string]string{
		"call/an engine that does not answer":           "it is no connection that could be lost",
		"exec/it ends with its context":                 "one of its images has one answer for all commands",
		"files/nothing there":                           noFiles,
		"files/what is told of one":                     noFiles,
		"files/what was copied is there, up or not":     noFiles,
		"files/which were written since it was created": noFiles,
		"files/whose one is":                            noFiles,
		"network/no such network":                       "its networks need not be made",
		"pull/with a login":                             "its registry asks for none",
		"remove/one that is dead":                       "no removal of its fails half way",
		"stop/one that does not listen, after its time": noProcess,
		"stop/with a signal of the caller's":            noProcess,
	}
}

// brokenVar names what is to be broken in the test below, which is made by the
// one after it then.
const brokenVar = "WATCHTOWER_TEST_CONFORM"

// takesAnyName breaks a promise of the Engine.
type takesAnyName struct{ *enginetest.Engine }

func (takesAnyName) Rename(context.Context, string, string) error { return nil }

// breaks does something else in the place of a tag.
type breaks struct {
	*enginetest.Engine
	how func()
}

func (b breaks) Tag(context.Context, string, string) error { b.how(); return nil }

// bare is an Engine without the abilities beyond it.
type bare struct{ lifecycle.Engine }

func TestABrokenPromise(t *testing.T) {
	h := enginetest.Harness{New: inMemory, Cannot: memoryCannot()}
	switch os.Getenv(brokenVar) {
	case "a promise":
		h.New = func(t *testing.T) enginetest.Subject {
			t.Helper()
			s := inMemory(t)
			s.Engine = takesAnyName{s.Engine.(*enginetest.Engine)}
			return s
		}
	case "an ability":
		h.New = func(t *testing.T) enginetest.Subject {
			t.Helper()
			s := inMemory(t)
			s.Engine = bare{s.Engine}
			return s
		}
	case "by a panic":
		h.New = func(t *testing.T) enginetest.Subject {
			t.Helper()
			s := inMemory(t)
			s.Engine = breaks{s.Engine.(*enginetest.Engine), func() { panic("no way") }}
			return s
		}
	case "by silence":
		h.Within = 10 * time.Millisecond
		h.New = func(t *testing.T) enginetest.Subject {
			t.Helper()
			s := inMemory(t)
			s.Engine = breaks{s.Engine.(*enginetest.Engine), func() { select {} }}
			return s
		}
	case "the list":
		h.Cannot["create/it is not started"] = "the list is wrong"
	case "a name":
		h.Cannot["create/no such case"] = "of no case"
	}
	enginetest.Conform(t, h)
}

func TestConformFindsWhatIsBroken(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	for broken, want := range map[string][]string{
		"":           {"CANNOT: its registry asks for none", "seen: conform_image.go:"},
		"a promise":  {"--- FAIL: TestABrokenPromise/rename/a_name_that_is_taken", "rename: no error, want Conflict"},
		"an ability": {"--- FAIL: TestABrokenPromise/ability/ping", "the engine has no such methods"},
		"by a panic": {"--- FAIL: TestABrokenPromise/tag/a_reference_moves", "it panicked: no way", "--- PASS: TestABrokenPromise/pull/for_a_platform"},
		"by silence": {"--- FAIL: TestABrokenPromise/tag/a_reference_moves", "a call has not returned after 5.01s, and has ignored its context"},
		"the list":   {"--- FAIL: TestABrokenPromise/create/it_is_not_started", "it is listed as impossible (the list is wrong), but it can"},
		"a name":     {`Cannot names a case that there is not: "create/no such case"`},
	} {
		t.Run(broken, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), self, "-test.v", "-test.run=^TestABrokenPromise$")
			cmd.Env = []string{"PATH=/nowhere", brokenVar + "=" + broken}
			out, err := cmd.CombinedOutput()
			assert.Equal(t, broken != "", err != nil, "%v: %s", err, out)
			for _, text := range want {
				assert.Contains(t, string(out), text)
			}
		})
	}
}
