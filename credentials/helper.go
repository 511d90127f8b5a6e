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
)

const (
	// helperTimeout bounds a helper's run. One that unlocks a key store takes a
	// second or two; one that waits for somebody to type never ends.
	helperTimeout = 10 * time.Second
	// maxHelperOutput bounds what is read of a helper's answer.
	maxHelperOutput = 64 << 10
)

// helperName keeps a config file from naming a program outside PATH.
var helperName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// Helper asks the program docker-credential-<name>, found on PATH, as Docker's
// own tools do. "Credentials not found" is no entry. A helper that is missing,
// fails, hangs for ten seconds or answers something else is an error that names
// it, of class Unavailable; a name with other characters than letters, digits,
// dots, dashes and underscores is one of class InvalidArgument.
func Helper(name string) Store {
	return StoreFunc(func(ctx context.Context, host string) (Credential, error) {
		return askHelper(ctx, name, host, helperTimeout)
	})
}

func askHelper(ctx context.Context, name, host string, timeout time.Duration) (Credential, error) {
	program := "docker-credential-" + name
	server := serverURL(host)
	if !helperName.MatchString(name) {
		return Credential{}, invalid(program, server, "not a helper's name")
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return Credential{}, unavailable(program, server, errors.New("not found on PATH"))
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "get")
	cmd.Stdin = strings.NewReader(server)
	cmd.WaitDelay = time.Second // its children may hold its output open
	out := &bounded{}
	cmd.Stdout = out
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return Credential{}, unavailable(program, server, fmt.Errorf("no answer within %v", timeout))
	case err != nil && bytes.Contains(bytes.ToLower(out.Bytes()), []byte("credentials not found")):
		return Credential{}, nil
	case err != nil:
		// What it wrote may hold a secret; its exit code does not.
		return Credential{}, unavailable(program, server, err)
	}
	return parseHelper(program, server, out.Bytes())
}

func parseHelper(program, server string, output []byte) (Credential, error) {
	var answer struct{ Username, Secret string }
	if err := json.Unmarshal(output, &answer); err != nil || answer.Secret == "" {
		return Credential{}, unavailable(program, server, errors.New("its answer is no credential"))
	}
	c := Credential{Source: program}
	if answer.Username == "<token>" {
		c.IdentityToken = NewSecret(answer.Secret)
		return c, nil
	}
	c.Username, c.Password = answer.Username, NewSecret(answer.Secret)
	return c, nil
}

// bounded keeps the first part of what a program writes.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if room := maxHelperOutput - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
