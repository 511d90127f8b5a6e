// Dryrun shows a report for CI: it looks, changes nothing, writes a table in Markdown
// for a job's summary, and its exit code says whether something is out of date.
//
//	go run ./examples/dryrun -docker >> "$GITHUB_STEP_SUMMARY"
//
// looks at the engine that DOCKER_HOST names. What it looks at without the flag is an
// engine in memory:
//
//	go run ./examples/dryrun
//
// ends with exit code 2, and prints
//
//	| container | image | state | what is new |
//	|---|---|---|---|
//	| `cache` | `cache:7` | fresh | |
//	| `db` | `postgres:latest` | **held** | 16.1 -> 17.0 (https://example.com/src): postgres keeps data, and this is major version 17 after 16 |
//	| `mail` | `mail:1` | skipped | Docker Hub has no such image: it was built, loaded or tagged here |
//	| `web` | `web:1` | **stale** | 1.4.2 -> 1.5.0 (https://example.com/src) |
//
//	stale=1 scanned=3 updated=0 failed=0 skipped=1 rolled_back=0 held=1
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/gate"
)

// The exit codes.
const (
	allFresh  = 0
	noReport  = 1 // or one that is not whole: a registry did not answer
	outOfDate = 2
)

// run writes what a check finds, and returns the exit code that goes with it.
func run(ctx context.Context, out io.Writer, opts ...watchtower.Option) (code int, err error) {
	tower, err := watchtower.New(opts...)
	if err != nil {
		return noReport, err
	}
	report, err := tower.Check(ctx)
	if err != nil {
		return noReport, err
	}
	_, _ = fmt.Fprintln(out, "| container | image | state | what is new |\n|---|---|---|---|")
	for _, e := range report.Entries {
		state := string(e.Status)
		switch e.Status {
		case watchtower.StatusStale, watchtower.StatusHeld:
			code = outOfDate
			state = "**" + state + "**"
		case watchtower.StatusFailed:
			code = cmp.Or(code, noReport)
			state = "**" + state + "**"
		default:
		}
		_, _ = fmt.Fprintf(out, "| `%s` | `%s` | %s | %s|\n", e.Container.Name, cell(e.Container.Image), state, news(e))
	}
	_, _ = fmt.Fprintf(out, "\n%s\n", report.Summary())
	return code, nil
}

// news is what there is to say of a container.
func news(e watchtower.Entry) string {
	text := e.Change().String()
	switch {
	case e.Err != nil:
		text = e.Err.Error()
	case text == "":
		text = e.Reason
	case e.Status == watchtower.StatusHeld:
		text += ": " + e.Reason
	}
	if text == "" {
		return ""
	}
	return cell(text) + " "
}

// cell is a text that cannot end its cell, nor its line.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}

func main() {
	docker := flag.Bool("docker", false, "look at the engine that DOCKER_HOST names")
	flag.Parse()
	opts := []watchtower.Option{watchtower.WithGate(gate.NoMajorJump())}
	if !*docker {
		opts = append(opts, inMemory()...)
	}
	code, err := run(context.Background(), os.Stdout, opts...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}
