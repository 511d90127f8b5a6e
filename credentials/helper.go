package credentials

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// DefaultHelperTimeout bounds a helper's run. One that unlocks a key store or
// asks a cloud takes a second or two; one that waits for somebody to type never
// ends.
const DefaultHelperTimeout = 10 * time.Second

// maxHelperOutput bounds what is read of a helper's answer.
const maxHelperOutput = 64 << 10

// programPrefix is what the names of all helpers' programs begin with.
const programPrefix = "docker-credential-"

// helperName keeps a config file from naming a program outside PATH.
var helperName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// Helper asks the program docker-credential-<name>, found on PATH, as Docker's
// own tools do. "Credentials not found" is no entry. A helper that is missing,
// fails, takes longer than the timeout (0 is DefaultHelperTimeout) or answers
// something else is an error that names it, of class Unavailable; a name with
// other characters than letters, digits, dots, dashes and underscores is one of
// class InvalidArgument. An answer, a failure too, is kept for half a minute.
func Helper(name string, timeout time.Duration) Store {
	h := newHelpers(timeout)
	return named{
		StoreFunc(func(ctx context.Context, host string) (Credential, error) { return h.ask(ctx, name, host) }), programPrefix + name,
	}
}

// get runs the helper once.
func get(ctx context.Context, name, server string, timeout time.Duration) (Credential, error) {
	program := programPrefix + name
	login, err := run(ctx, program, server, timeout)
	if err != nil {
		return Credential{}, &Error{Op: "get", Source: program, Host: server, Err: err}
	}
	return login, nil
}

func run(caller context.Context, program, server string, timeout time.Duration) (Credential, error) {
	if !helperName.MatchString(strings.TrimPrefix(program, programPrefix)) {
		return Credential{}, invalid("not a helper's name")
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return Credential{}, unavailable("not found on PATH")
	}
	ctx, cancel := context.WithTimeout(caller, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "get")
	cmd.Stdin = strings.NewReader(server)
	cmd.WaitDelay = time.Second // its children may hold its output open
	inGroup(cmd)
	out := &bounded{}
	cmd.Stdout = out
	err = cmd.Run()
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // it ended well
		return parseAnswer(program, out.Bytes())
	case caller.Err() != nil:
		return Credential{}, context.Cause(caller)
	case ctx.Err() != nil:
		return Credential{}, unavailable("no answer within %v", timeout)
	case bytes.Contains(bytes.ToLower(out.Bytes()), []byte("credentials not found")):
		return Credential{}, nil
	}
	// What it wrote may hold a secret; its exit code does not.
	return Credential{}, unavailable("%w", err)
}

func parseAnswer(program string, output []byte) (Credential, error) {
	var answer struct{ Username, Secret string }
	if json.Unmarshal(output, &answer) != nil || answer.Secret == "" {
		return Credential{}, unavailable("its answer is no credential")
	}
	c := Credential{Source: program}
	if answer.Username == "<token>" {
		c.IdentityToken = NewSecret(answer.Secret)
		return c, nil
	}
	c.Username, c.Password = answer.Username, NewSecret(answer.Secret)
	return c, nil
}

func unavailable(format string, args ...any) error {
	return errclass.With(errdefs.ErrUnavailable, fmt.Errorf(format, args...))
}

// bounded keeps the first part of what a program writes.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if room := maxHelperOutput - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
