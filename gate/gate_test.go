package gate_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) // a Monday

// saying is a gate that always says the same.
func saying(d gate.Decision, err error) gate.Gate {
	return gate.Func(func(context.Context, gate.Candidate) (gate.Decision, error) { return d, err })
}

func TestSeveralGates(t *testing.T) {
	t.Parallel()
	yes := saying(gate.Decision{}, nil)
	soon := saying(gate.Decision{Verdict: gate.Hold, Until: noon.Add(time.Hour), Reason: "young"}, nil)
	later := saying(gate.Decision{Verdict: gate.Hold, Until: noon.Add(2 * time.Hour), Reason: "day"}, nil)
	window := saying(gate.Decision{Verdict: gate.Hold, Until: noon.Add(time.Hour), Due: true, Reason: "day"}, nil)
	open := saying(gate.Decision{Verdict: gate.Hold, Reason: "asked"}, nil)
	no := saying(gate.Decision{Verdict: gate.Reject, Reason: "bad"}, nil)
	broken := saying(gate.Decision{}, errors.New("cannot tell"))
	tests := []struct {
		name  string
		gates []gate.Gate
		want  gate.Decision
		err   string
	}{
		{"none accept", nil, gate.Decision{Verdict: gate.Accept}, ""},
		{"all accept", []gate.Gate{yes, yes}, gate.Decision{Verdict: gate.Accept}, ""},
		{"one holds", []gate.Gate{yes, soon, yes}, gate.Decision{Verdict: gate.Hold, Until: noon.Add(time.Hour), Reason: "young"}, ""},
		{"the longest hold", []gate.Gate{soon, later, soon}, gate.Decision{
			Verdict: gate.Hold, Until: noon.Add(2 * time.Hour), Reason: "young, and day, and young",
		}, ""},
		{"one that is due", []gate.Gate{window, later}, gate.Decision{
			Verdict: gate.Hold, Until: noon.Add(2 * time.Hour), Due: true, Reason: "day, and day",
		}, ""},
		{"one that is due when the longest ends", []gate.Gate{later, window}, gate.Decision{
			Verdict: gate.Hold, Until: noon.Add(2 * time.Hour), Due: true, Reason: "day, and day",
		}, ""},
		{"one that is due at no time", []gate.Gate{window, open}, gate.Decision{Verdict: gate.Hold, Reason: "day, and asked"}, ""},
		{"a hold without an end", []gate.Gate{soon, open, later}, gate.Decision{Verdict: gate.Hold, Reason: "young, and asked, and day"}, ""},
		{"a rejection", []gate.Gate{soon, no, later}, gate.Decision{Verdict: gate.Reject, Reason: "bad"}, ""},
		{"no judgement", []gate.Gate{soon, broken}, gate.Decision{}, "cannot tell"},
		{"an exception overrules", []gate.Gate{gate.Unless(yes, no)}, gate.Decision{Verdict: gate.Accept}, ""},
		{"one that does not apply", []gate.Gate{gate.Unless(soon, no)}, gate.Decision{Verdict: gate.Reject, Reason: "bad"}, ""},
		{"one that cannot tell", []gate.Gate{gate.Unless(broken, no)}, gate.Decision{Verdict: gate.Reject, Reason: "bad"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := gate.All(tt.gates...).Judge(t.Context(), gate.Candidate{At: noon})
			if tt.err != "" {
				require.EqualError(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, d)
		})
	}
}

func TestMajorVersions(t *testing.T) {
	t.Parallel()
	says := func(pairs ...string) *gate.Metadata {
		m := &gate.Metadata{Labels: map[string]string{}}
		for _, p := range pairs {
			if p[0] == 'v' {
				m.Labels["org.opencontainers.image.version"] = p[1:]
			} else {
				m.Env = append(m.Env, p)
			}
		}
		return m
	}
	const unknown = "postgres keeps data, and whether this is another major version is not known"
	tests := []struct {
		name, reference string // another than the container's after an arrow
		was, is         *gate.Metadata
		held            string
	}{
		{"the tag stands for a major", "docker.io/library/postgres:16-alpine", says("PG_MAJOR=16"), nil, ""},
		{"from tag to tag", "docker.io/library/postgres:16.1 -> docker.io/library/postgres:16.4", nil, nil, ""},
		{
			"from tag to tag of another major", "docker.io/library/postgres:16.1 -> docker.io/library/postgres:17.0", nil, nil,
			"postgres keeps data, and this is major version 17 after 16",
		},
		{
			"a label that is the base's", "docker.io/library/mongo:latest", says("v22.04", "MONGO_VERSION=6.0.1"), says("v22.04", "MONGO_VERSION=7.0.2"),
			"mongo keeps data, and this is major version 7 after 6",
		},
		{
			"a variable that only one has", "docker.io/library/mongo:latest", says("v22.04", "MONGO_VERSION=6.0.1"), says("v22.04"),
			"mongo keeps data, and whether this is another major version is not known",
		},
		{
			"a tag with numbers of its own", "docker.io/ankane/pgvector:0.7.0", says("PGVECTOR_VERSION=0.7.0", "PG_MAJOR=16"), says("PGVECTOR_VERSION=0.7.0", "PG_MAJOR=17"),
			"pgvector keeps data, and this is major version 17 after 16",
		},
		{"and the same major", "ghcr.io/x/postgres:1.4", says("PG_MAJOR=16"), says("PG_MAJOR=16"), ""},
		{"no database", "docker.io/library/nginx:latest", says("v1.0"), says("v2.0"), ""},
		{"a minor", "docker.io/library/postgres:latest", says("PG_MAJOR=16"), says("PG_MAJOR=16"), ""},
		{"a major", "docker.io/library/postgres:latest", says("PG_MAJOR=16"), says("PG_MAJOR=17"), "postgres keeps data, and this is major version 17 after 16"},
		{"by label", "ghcr.io/x/mysql:lts", says("v8.4.1"), says("v9.0.0"), "mysql keeps data, and this is major version 9 after 8"},
		{"by its own variable", "docker.io/library/redis:alpine", says("REDIS_VERSION=7.2.5"), says("REDIS_VERSION=v8.0"), "redis keeps data, and this is major version 8 after 7"},
		{"back", "docker.io/library/postgres:latest", says("PG_MAJOR=17"), says("PG_MAJOR=16"), "postgres keeps data, and this is major version 16 after 17"},
		{"the new one does not say", "127.0.0.1:5000/postgres:latest", says("PG_MAJOR=16"), says(), unknown},
		{"the old one does not say", "docker.io/library/postgres:latest", says("vtrixie"), says("PG_MAJOR=16"), unknown},
		{"nobody read it", "docker.io/library/postgres", says("PG_MAJOR=16"), nil, unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			runs, reference, moves := strings.Cut(tt.reference, " -> ")
			if !moves {
				reference = runs
			}
			d, err := gate.NoMajorJump().Judge(t.Context(), gate.Candidate{
				Container: lifecycle.Container{Image: runs}, Reference: reference, Current: tt.was, Next: tt.is,
			})
			require.NoError(t, err)
			assert.Equal(t, tt.held, d.Reason)
			assert.Equal(t, tt.held == "", d.Accepted())
			assert.True(t, d.Until.IsZero())
		})
	}
	d, err := gate.NoMajorJump("mine").Judge(t.Context(), gate.Candidate{Reference: "r.example/mine:x"})
	require.NoError(t, err)
	assert.Equal(t, gate.Hold, d.Verdict, "a name of one's own")
}
