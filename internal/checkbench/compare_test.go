package checkbench_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every program is asked by the same variables to look once, at containers that
// are fresh, so that nothing moves even if it does not know one of them.
func asked() []string {
	return []string{"WATCHTOWER_RUN_ONCE=true", "WATCHTOWER_MONITOR_ONLY=true", "WATCHTOWER_NO_STARTUP_MESSAGE=true"}
}

// peers reads "name=path name=path".
func peers(text string) ([]program, error) {
	var out []program
	for field := range strings.FieldsSeq(text) {
		name, path, _ := strings.Cut(field, "=")
		if name == "" || path == "" {
			return nil, fmt.Errorf("%s: %q: want name=path, with spaces between one and the next", peersVar, field)
		}
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", peersVar, field, err)
		}
		out = append(out, program{name: name, path: path})
	}
	return out, nil
}

func TestPeersAreNamesAndPaths(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	got, err := peers(" a=" + self + "  b=" + self)
	require.NoError(t, err)
	assert.Equal(t, []program{{name: "a", path: self}, {name: "b", path: self}}, got)
	for _, text := range []string{self, "=" + self, "a=", "a=" + self + " b=/nowhere/at/all"} {
		_, err := peers(text)
		assert.Error(t, err, text)
	}
}

// What programs cost in turn, and in proportion to ours. Without others that is
// ours again, under another name: then there is no difference.
func TestCompare(t *testing.T) {
	programs := []program{ours(t)}
	works, rounds := []work{{containers: 6, references: 3}}, 1
	text := os.Getenv(peersVar)
	if text == "" {
		text = "again=" + programs[0].path
	} else {
		works, rounds = []work{
			{containers: 50, references: 50, latency: 100 * time.Millisecond, dockerd: true},
			{containers: 100, references: 50, latency: 50 * time.Millisecond},
		}, 5
	}
	others, err := peers(text)
	require.NoError(t, err)
	programs = append(programs, others...)
	for _, w := range works {
		t.Run(w.String(), func(t *testing.T) {
			there := w.setUp(t)
			measured := make([]series, len(programs))
			for range rounds {
				for i, p := range programs {
					p.args, p.env = nil, asked()
					s := p.run(t, there)
					measured[i] = append(measured[i], s)
				}
			}
			header(t.Output(), w.String())
			for i, s := range measured {
				s.row(t.Output(), programs[i].name)
			}
			for i, s := range measured[1:] {
				s.against(t.Output(), programs[i+1].name, measured[0])
			}
			if others[0].path == programs[0].path {
				mine, same := measured[0].last(), measured[1].last()
				assert.Zero(t, same.Exit, same.stderr)
				assert.Equal(t, mine.requests.Counts(), same.requests.Counts())
				assert.Len(t, same.calls, len(mine.calls))
			}
		})
	}
}

// against prints how many times ours it is.
func (s series) against(w io.Writer, name string, mine series) {
	_, theirs, _ := s.wall()
	_, median, _ := mine.wall()
	_, _ = fmt.Fprintf(w, "%-40s time x%.2f, requests x%.2f, engine calls x%.2f, memory x%.2f\n", name+" / "+"watchtower",
		theirs.Seconds()/median.Seconds(), float64(s.last().requests.Counts().All())/float64(mine.last().requests.Counts().All()),
		float64(len(s.last().calls))/float64(len(mine.last().calls)), s.peak()/mine.peak())
}
