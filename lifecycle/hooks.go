package lifecycle

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// HookPoint is a point of a pass at which hooks run.
type HookPoint string

// The points.
const (
	// PreCheck is before a container's registry is asked.
	PreCheck HookPoint = "pre-check"
	// PostCheck is at the end of the pass, in the container that serves then.
	PostCheck HookPoint = "post-check"
	// PreUpdate is before a container is replaced: its successor has been created,
	// and nothing of its own was touched. Only here a hook can hold up anything.
	PreUpdate HookPoint = "pre-update"
	// PostUpdate is after the successor was verified and the old container removed,
	// in the successor.
	PostUpdate HookPoint = "post-update"
)

// The labels that name commands, which are run by `sh -c` in the container. One
// that is empty names none.
const (
	LabelPreCheck   = labelPrefix + "lifecycle.pre-check"
	LabelPostCheck  = labelPrefix + "lifecycle.post-check"
	LabelPreUpdate  = labelPrefix + "lifecycle.pre-update"
	LabelPostUpdate = labelPrefix + "lifecycle.post-update"
)

// The labels that set how they are run.
const (
	// LabelPreUpdateTimeout and LabelPostUpdateTimeout bound a command, in whole
	// minutes; 0: it may take as long as the pass does.
	LabelPreUpdateTimeout  = labelPrefix + "lifecycle.pre-update-timeout"
	LabelPostUpdateTimeout = labelPrefix + "lifecycle.post-update-timeout"
	// LabelHookUID and LabelHookGID are the numbers of the user and the group the
	// commands are run as; 0 is root.
	LabelHookUID = labelPrefix + "lifecycle.uid"
	LabelHookGID = labelPrefix + "lifecycle.gid"
)

// DefaultHookTimeout bounds a command whose labels do not say, and always those of
// PreCheck and PostCheck: what the original program has.
const DefaultHookTimeout = time.Minute

// Hooks are the commands that a container's labels name.
//
// Engines show an image's labels as its containers' own, so that whoever makes an
// image can name commands. They run in its containers, where whoever makes the
// image is at home anyway, and nowhere else.
type Hooks struct {
	// Commands are what `sh -c` is given, by point; no entry: nothing to run.
	Commands map[HookPoint]string
	// PreUpdateTimeout and PostUpdateTimeout bound the commands of these points;
	// 0: as long as the pass takes.
	PreUpdateTimeout, PostUpdateTimeout time.Duration
	// User is whom they run as, as far as the labels say.
	User HookUser
}

// HooksOf reads a container's labels. What it cannot read has its default, and an
// error of class InvalidArgument that names the label, its value and what is
// accepted.
func HooksOf(labels map[string]string) (Hooks, []error) {
	h := Hooks{Commands: map[HookPoint]string{}, PreUpdateTimeout: DefaultHookTimeout, PostUpdateTimeout: DefaultHookTimeout}
	commands := map[HookPoint]string{
		PreCheck: LabelPreCheck, PostCheck: LabelPostCheck, PreUpdate: LabelPreUpdate, PostUpdate: LabelPostUpdate,
	}
	for point, label := range commands {
		if command := labels[label]; command != "" {
			h.Commands[point] = command
		}
	}
	var problems []error
	read := func(label string, use func(n int)) {
		text, ok := labels[label]
		if !ok {
			return
		}
		n, accepted, ok := hookNumber(label, text)
		if !ok {
			problems = append(problems, errclass.With(errdefs.ErrInvalidArgument,
				fmt.Errorf("lifecycle: label %s: %q: want %s", label, text, accepted)))
			return
		}
		use(n)
	}
	for label, timeout := range map[string]*time.Duration{
		LabelPreUpdateTimeout: &h.PreUpdateTimeout, LabelPostUpdateTimeout: &h.PostUpdateTimeout,
	} {
		read(label, func(n int) { *timeout = time.Duration(n) * time.Minute })
	}
	for label, id := range map[string]**int{LabelHookUID: &h.User.UID, LabelHookGID: &h.User.GID} {
		read(label, func(n int) { *id = &n })
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return h, problems
}

// maxHookMinutes is a hundred years; many more would not be a time.Duration.
const maxHookMinutes = 100 * 365 * 24 * 60

// hookNumber reads one of the labels that hold a number.
func hookNumber(label, text string) (n int, accepted string, ok bool) {
	most, accepted := uint64(math.MaxInt32), "a number from 0 to 2147483647"
	if label == LabelPreUpdateTimeout || label == LabelPostUpdateTimeout {
		most, accepted = maxHookMinutes, "a whole number of minutes, 0 for no limit"
	}
	parsed, err := strconv.ParseUint(text, 10, 32)
	return int(parsed), accepted, err == nil && parsed <= most //nolint:gosec // it is bounded
}

// Timeout bounds the command of a point; 0: it may take as long as the pass does.
func (h Hooks) Timeout(p HookPoint) time.Duration {
	switch p {
	case PreUpdate:
		return h.PreUpdateTimeout
	case PostUpdate:
		return h.PostUpdateTimeout
	case PreCheck, PostCheck:
	}
	return DefaultHookTimeout
}

// HookUser is whom commands run as. Each number may be given or not; the zero value
// is the container's own user and group.
type HookUser struct {
	// UID is the user's number. Alone it has the group that the container's
	// /etc/passwd gives it, else 0.
	UID *int
	// GID is the group's. Alone it goes with the container's own user.
	GID *int
}

// over is u, with what it leaves open from the other.
func (u HookUser) over(other HookUser) HookUser {
	if u.UID == nil {
		u.UID = other.UID
	}
	if u.GID == nil {
		u.GID = other.GID
	}
	return u
}

// text is what an engine is told, for a container whose own user is given. A group
// without a user would be root's to an engine.
func (u HookUser) text(own string) string {
	user := ""
	switch {
	case u.UID != nil:
		user = strconv.Itoa(*u.UID)
	case u.GID != nil:
		if user, _, _ = strings.Cut(own, ":"); user == "" {
			user = "0"
		}
	}
	if u.GID != nil {
		user += ":" + strconv.Itoa(*u.GID)
	}
	return user
}

// hookLabels are those of a container that hooks are told of: what is set for this
// program, without the swap's own.
func hookLabels(labels map[string]string) map[string]string {
	out := map[string]string{}
	for key, value := range labels {
		if key+"." == labelPrefix || strings.HasPrefix(key, labelPrefix) && !strings.HasPrefix(key, swapLabels) {
			out[key] = value
		}
	}
	return out
}
