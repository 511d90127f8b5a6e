// Vault shows a store for logins on a service that lends them for minutes: each is
// renewed before it runs out, and replaced by another once it cannot be. The store is
// store.go. Nothing here can print a password: it is a credentials.Secret as soon as it
// was read.
//
// A vault's host, its token and an engine would come from the program's settings. Here a
// vault answers in this process, the engine is in memory, and time is moved by hand:
//
//	go run ./examples/vault
//
// prints
//
//	09:00:00
//	  the vault lends robot-1
//	  pull registry.example/team/app:1 as robot-1, password ***
//	09:00:30
//	  pull registry.example/team/app:1 as robot-1, password ***
//	09:00:45
//	  the vault renews robot-1
//	  pull registry.example/team/app:1 as robot-1, password ***
//	09:01:30
//	  the vault renews robot-1
//	  pull registry.example/team/app:1 as robot-1, password ***
//	09:02:15
//	  the vault no longer renews robot-1
//	  the vault lends robot-2
//	  pull registry.example/team/app:1 as robot-2, password ***
//	09:03:00
//	  the vault is down for robot-2
//	  the vault is down for robot-2
//	  pull registry.example/team/app:1 as robot-2, password ***
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
)

// lender is a vault: each lease is for a minute, and can be renewed twice.
type lender struct {
	out      io.Writer
	lent     int
	renewals int
	down     bool
}

// ServeHTTP lends and renews.
func (l *lender) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := map[string]any{"lease_id": fmt.Sprint("lease-", l.lent), "lease_duration": 60}
	what := "lends robot-"
	switch {
	case l.down:
		what = "is down for robot-"
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.Method == http.MethodGet && path.Base(r.URL.Path) == "registry.example":
		l.lent, l.renewals = l.lent+1, 0
		answer["lease_id"] = fmt.Sprint("lease-", l.lent)
		answer["data"] = map[string]string{"username": fmt.Sprint("robot-", l.lent), "password": "correct horse"}
	case r.Method == http.MethodPut && l.renewals < 2:
		l.renewals++
		what = "renews robot-"
	default:
		what = "no longer renews robot-"
		w.WriteHeader(http.StatusForbidden)
	}
	_, _ = fmt.Fprintf(l.out, "  the vault %s%d\n", what, l.lent)
	_ = json.NewEncoder(w).Encode(answer)
}

// telling is an engine that tells by whose login it pulls.
type telling struct {
	watchtower.Engine
	out io.Writer
}

// Pull pulls, and tells of it.
func (t telling) Pull(ctx context.Context, o lifecycle.PullOptions) error {
	_, _ = fmt.Fprintf(t.out, "  pull %s as %s, password %+v\n", o.Reference, o.Credential.Username, o.Credential.Password)
	return t.Engine.Pull(ctx, o)
}

func run(ctx context.Context, out io.Writer) error {
	now := time.Date(2030, 1, 7, 9, 0, 0, 0, time.UTC)
	lender := &lender{out: out}
	server := httptest.NewServer(lender)
	defer server.Close()
	v := newVault(server.URL, credentials.NewSecret("the token"), func() time.Time { return now })

	engine := enginetest.New()
	const reference = "registry.example/team/app:1"
	engine.Publish(reference, enginetest.Image{})
	engine.Run("web", reference, lifecycle.Spec{})
	tower, err := watchtower.New(
		watchtower.WithEngine(telling{engine, out}), watchtower.WithChecker(engine.Checker()),
		// First what `docker login` left, for one: watchtower.WithCredentials(fromEnv, v).
		watchtower.WithCredentials(v),
		watchtower.WithStableTime(time.Millisecond),
	)
	if err != nil {
		return err
	}
	for i, after := range []time.Duration{0, 30 * time.Second, 15 * time.Second, 45 * time.Second, 45 * time.Second, 45 * time.Second} {
		now = now.Add(after)
		lender.down = i == 5
		_, _ = fmt.Fprintln(out, now.Format(time.TimeOnly))
		engine.Publish(reference, enginetest.Image{Env: []string{fmt.Sprint("VERSION=", i+2)}})
		if _, err := tower.Update(ctx); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
