package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// BenchmarkTwentyStale is how long the program takes for twenty stale containers,
// each on an image of its own, from its start to its end: all at a time, and one
// after the other, start-first or, since they write to a volume, stop-first.
func BenchmarkTwentyStale(b *testing.B) {
	host := enginehost.Engine(b)
	reg := enginehost.StartRegistry(b)
	rolling := []string{"--rolling-restart"}
	for _, bm := range []struct {
		name    string
		flags   []string
		volumes []string
	}{
		{name: "default"},
		{name: "rolling-start-first", flags: rolling},
		{name: "rolling-stop-first", flags: rolling, volumes: []string{"/data"}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			var took time.Duration
			n := 0
			for b.Loop() {
				n++
				args := append([]string{"--run-once"}, bm.flags...)
				var names []string
				for i := range 20 {
					name := fmt.Sprintf("%s-%d-%d", bm.name, n, i)
					image := enginehost.Image{Env: []string{"OF=" + name}, Volumes: bm.volumes}
					ref, _ := reg.Push(b, name+":1", image)
					host.Pull(b, ref, "")
					host.Run(b, name, object{"Image": ref})
					image.Env = append(image.Env, "VERSION=2")
					reg.Push(b, name+":1", image)
					names = append(names, name)
				}
				begun := time.Now()
				code, _, stderr := runProgram(b, engineEnv(host), append(args, names...)...)
				took += time.Since(begun)
				if code != exitOK || !strings.Contains(stderr, "updated=20 ") {
					b.Fatalf("exit code %d: %s", code, stderr)
				}
				for _, name := range names {
					host.RemoveAll(b, name)
				}
			}
			b.ReportMetric(took.Seconds()/float64(n), "s/pass")
		})
	}
}
