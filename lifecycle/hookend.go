package lifecycle

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/errdefs"
)

// hookMark is the variable by which a command's processes are found.
const hookMark = "WT_HOOK"

// How a command that did not end in time is ended: what it has to clean up after
// SIGTERM, how often it is looked for, and how long all of it may take.
const (
	hookGrace     = 2 * time.Second
	hookLook      = 200 * time.Millisecond
	hookEndWithin = 10 * time.Second
)

// exitLeft is what endScript exits with if it found something.
const exitLeft = 3

// endScript sends a signal to a command's processes, which are those with the mark
// in their environment, what they have started, and what is in their sessions: one
// that became another user shows nobody its environment. Engines have no call that
// ends a command, and know its number only as the host counts. It needs nothing
// but a shell, without which there would be no command.
const endScript = `mark=$1 signal=$2 found=" " grew=1
for p in /proc/[0-9]*; do
	while IFS= read -r line || [ -n "$line" ]; do
		case $line in *"$mark"*) found="$found${p#/proc/} "; break ;; esac
	done <"$p/environ"
done 2>/dev/null
while [ -n "$grew" ]; do
	grew=
	for p in /proc/[0-9]*; do
		p=${p#/proc/}
		case $found in *" $p "*) continue ;; esac
		stat=
		read -r stat <"/proc/$p/stat" || continue
		set -- ${stat##*) }
		[ "$1" = Z ] && continue
		case $found in *" $2 "* | *" $4 "*) found="$found$p " grew=1 ;; esac
	done 2>/dev/null
done
[ "$found" = " " ] && exit 0
kill -s "$signal" $found 2>/dev/null
exit 3`

// ended ends the command and tells if that did not succeed.
func (r hookRun) ended(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hookEndWithin)
	defer cancel()
	if err := r.end(ctx); err != nil {
		return fmt.Sprintf(" and may run on (%v)", err)
	}
	return ""
}

func (r hookRun) end(ctx context.Context) error {
	left, err := r.signal(ctx, "TERM")
	for asked := time.Now(); left && err == nil; {
		signal := "0" // a look
		if time.Since(asked) >= hookGrace {
			signal = "KILL"
		}
		if err = sleep(ctx, hookLook); err == nil {
			left, err = r.signal(ctx, signal)
		}
		if ctx.Err() != nil && err != nil {
			return fmt.Errorf("it survives: %w", err)
		}
	}
	return err
}

// signal sends a signal to what is left of the command.
func (r hookRun) signal(ctx context.Context, signal string) (left bool, err error) {
	result, err := r.execer.Exec(ctx, r.container, ExecOptions{
		Command: []string{"sh", "-c", endScript, "sh", hookMark + "=" + r.mark, signal}, User: r.user,
	})
	switch {
	case errdefs.IsNotFound(err):
		return false, nil // so is its container
	case err != nil:
		return false, err
	case result.ExitCode == 0 || result.ExitCode == exitLeft:
		return result.ExitCode == exitLeft, nil
	}
	return false, fmt.Errorf("exit code %d%s", result.ExitCode, withText(strings.TrimSpace(result.Output)))
}

// unknownHooks is what hooks may take of which nobody knows. A stranger that goes by
// it and is wrong costs a swap that has to be made again, and nothing else.
const unknownHooks = time.Hour

// hooksWithin is how long a target's hooks may take, with the ending of those that
// take too long.
func hooksWithin(t Target) time.Duration {
	if t.BeforeSwap == nil {
		return 0
	}
	return cmp.Or(t.BeforeSwapWithin, unknownHooks) + time.Duration(len(t.Members))*hookEndWithin
}
