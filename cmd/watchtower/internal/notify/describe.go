package notify

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower"
)

// describe puts an event of a pass into words.
func (n *Notifier) describe(e watchtower.Event) {
	const debug, info, warn = slog.LevelDebug, slog.LevelInfo, slog.LevelWarn
	switch e := e.(type) {
	case watchtower.ContainerSkipped:
		n.write(e.At, debug, detail, fmt.Sprintf("Leaving %s alone: %s", named(e.Container), e.Reason), about(e.Container, keyReason, e.Reason)...)
	case watchtower.LabelInvalid:
		n.write(e.At, warn, news, fmt.Sprintf("%s has a label with a value that is not accepted: %s=%s, want %s",
			named(e.Container), e.Label, e.Value, e.Accepted), about(e.Container)...)
	case watchtower.CheckFailed:
		n.checkFailed(e)
	case watchtower.MirrorNoticed:
		kind, level, text := "mirror answered", info, "The mirror %[2]s answered in the registry's place for %[1]s"
		if e.Stale {
			kind, level, text = "mirror stale", warn, "The mirror %[2]s is stale: for %[1]s it points at something else than the registry"
		}
		n.write(e.At, level, n.once(ofImage, e.Reference, kind, e.Mirror), fmt.Sprintf(text, e.Reference, e.Mirror), keyImage, e.Reference)
	case watchtower.UpdateFound:
		n.found(e)
	case watchtower.UpdateHeld:
		c := e.Entry.Container
		// A digest that failed is held from then on, which goes without saying.
		w := n.once(ofContainer, c.Name, kindHeld, e.Entry.Latest)
		if was, known := n.told[fact{ofContainer, c.Name, kindFailed}]; known && was == e.Entry.Latest {
			w = again
		}
		n.write(e.At, info, w, fmt.Sprintf("%s waits for its update: %s", named(c), e.Entry.Reason), about(c, keyReason, e.Entry.Reason)...)
	case watchtower.PullStarted:
		n.write(e.At, debug, detail, "Pulling "+e.Reference, keyImage, e.Reference)
	case watchtower.PullEnded:
		if e.Err != nil {
			n.write(e.At, warn, n.once(ofImage, e.Reference, "pull", ""), fmt.Sprintf("Pulling %s failed: %v", e.Reference, e.Err),
				keyImage, e.Reference, keyError, e.Err.Error())
			return
		}
		n.told.over(fact{ofImage, e.Reference, "pull"})
	case watchtower.StepStarted:
		n.step(e)
	case watchtower.HookEnded:
		n.hook(e)
	case watchtower.UpdateEnded:
		n.ended(e.At, e.Entry)
	case watchtower.ImageRemoved:
		n.image(e)
	case watchtower.ServiceRecovered:
		r := e.Recovery
		if r.Err != nil {
			n.write(e.At, warn, n.once(ofContainer, r.Name, "recovery", r.Err.Error()),
				fmt.Sprintf("An update of %s that was cut short is unfinished: %v", r.Name, r.Err), keyContainer, r.Name, keyError, r.Err.Error())
			return
		}
		n.told.over(fact{ofContainer, r.Name, "recovery"})
		n.write(e.At, warn, news, fmt.Sprintf("An update of %s that was cut short is settled: %s", r.Name, r.Outcome), keyContainer, r.Name, keyID, short(r.ID))
	case watchtower.SelfUpdateStarted:
		n.write(e.At, info, news, fmt.Sprintf("Replacing %s, which is this watchtower itself", named(e.Entry.Container)), about(e.Entry.Container)...)
	case watchtower.SelfUpdateEnded:
		n.ended(e.At, e.Entry)
	case watchtower.LeftoverFound:
		n.leftover(e)
	case watchtower.ObserverOverflowed:
		n.write(e.At, warn, news, fmt.Sprintf("%d events came too fast to be told", e.Missed))
	default:
		// The rest is for those who watch a pass while it runs.
	}
}

// The kinds of facts about containers that end.
const (
	kindFound  = "found"
	kindHeld   = "held"
	kindFailed = "failed"
	kindCheck  = "check"
)

func (n *Notifier) checkFailed(e watchtower.CheckFailed) {
	w := again
	for _, name := range e.Containers {
		w = max(w, n.state(name, kindCheck, ""))
	}
	n.write(e.At, slog.LevelWarn, w, fmt.Sprintf("Checking %s failed, which %s uses: %v", e.Reference, strings.Join(e.Containers, ", "), e.Err),
		keyImage, e.Reference, keyContainer, strings.Join(e.Containers, ", "), keyError, e.Err.Error())
}

func (n *Notifier) found(e watchtower.UpdateFound) {
	c := e.Entry.Container
	text := fmt.Sprintf("Found a new image for %s: %s", named(c), ID(e.Entry.Latest).ShortID())
	if e.Entry.NewReference != "" {
		text += ", " + e.Entry.NewReference
	}
	if e.Entry.Policy.Get("monitor-only").Value == "true" {
		text += "; it is only monitored"
	}
	n.write(e.At, slog.LevelInfo, n.state(c.Name, kindFound, e.Entry.Latest), text,
		about(c, keyNewID, ID(e.Entry.Latest).ShortID(), keyNewImage, e.Entry.NewReference)...)
}

func (n *Notifier) step(e watchtower.StepStarted) {
	said := map[string]string{"stop": "Stopping ", "start": "Starting ", "roll back": "Rolling back "}[e.Step.Action]
	if said == "" {
		return
	}
	text := said + e.Step.Container
	if e.Step.Detail != "" {
		text += ": " + e.Step.Detail
	}
	n.write(e.At, slog.LevelInfo, detail, text, keyContainer, e.Step.Container, keyImage, e.Image)
}

func (n *Notifier) hook(e watchtower.HookEnded) {
	v := e.Result.Verdict
	kind := "hook " + string(e.Result.Point)
	f := fact{ofContainer, e.Container.Name, kind}
	switch {
	case v.Err != nil:
		n.write(e.At, slog.LevelWarn, n.once(f.of, f.subject, f.kind, "failed"), fmt.Sprintf("The %s hook of %s failed: %v", e.Result.Point, named(e.Container), v.Err),
			about(e.Container, keyError, v.Err.Error())...)
	case v.Skip != "":
		n.write(e.At, slog.LevelInfo, n.once(f.of, f.subject, f.kind, v.Skip), fmt.Sprintf("The %s hook of %s says not now: %s", e.Result.Point, named(e.Container), v.Skip),
			about(e.Container, keyReason, v.Skip)...)
	case e.Result.NotRun == "":
		n.told.over(f)
	}
}

// ended tells what became of an update. What was done is told each time, what failed
// once for each digest.
func (n *Notifier) ended(at time.Time, e watchtower.Entry) {
	c := e.Container
	switch {
	case e.Status == watchtower.StatusUpdated:
		n.newsOf[c.Name] = true
		text := fmt.Sprintf("Updated %s: %s to %s", named(c), short(c.ImageID), short(e.NewImageID))
		if e.NewReference != "" {
			text += ", " + e.NewReference
		}
		n.write(at, slog.LevelInfo, news, text, about(c, keyImageID, short(c.ImageID), keyNewID, short(e.NewContainerID), keyNewImage, e.NewReference)...)
	case e.Status == watchtower.StatusRestarted:
		n.newsOf[c.Name] = true
		n.write(at, slog.LevelInfo, news, fmt.Sprintf("Restarted %s: %s", named(c), e.Reason), about(c, keyNewID, short(e.NewContainerID), keyReason, e.Reason)...)
	case e.Err != nil:
		text := "Updating %s failed: %v"
		if e.Status == watchtower.StatusRolledBack {
			text = "Updating %s failed, and it was rolled back: %v"
		}
		n.write(at, slog.LevelError, n.state(c.Name, kindFailed, e.Latest), fmt.Sprintf(text, named(c), e.Err),
			about(c, keyError, e.Err.Error())...)
	default:
		n.write(at, slog.LevelWarn, n.once(ofContainer, c.Name, "ended", e.Latest), fmt.Sprintf("%s: %s: %s", named(c), e.Status, e.Reason),
			about(c, keyReason, e.Reason)...)
	}
}

func (n *Notifier) image(e watchtower.ImageRemoved) {
	switch {
	case e.Err != nil:
		n.write(e.At, slog.LevelWarn, n.once(ofImage, e.ImageID, "kept", ""), fmt.Sprintf("Removing the image %s (%s) failed: %v", e.Reference, short(e.ImageID), e.Err),
			keyImage, e.Reference, keyImageID, short(e.ImageID), keyError, e.Err.Error())
	case e.Kept == "":
		n.write(e.At, slog.LevelInfo, detail, fmt.Sprintf("Removed the image %s (%s)", e.Reference, short(e.ImageID)), keyImage, e.Reference, keyImageID, short(e.ImageID))
	}
}

func (n *Notifier) leftover(e watchtower.LeftoverFound) {
	text, why := "is left as it is", ""
	switch {
	case e.Err != nil:
		text, why = "could not be removed: "+e.Err.Error(), e.Err.Error()
	case e.Removed:
		text = "was removed"
	}
	n.write(e.At, slog.LevelWarn, n.once(ofContainer, e.Container.Name, "leftover", text),
		fmt.Sprintf("%s is left of another program's update of itself, and %s", named(e.Container), text), about(e.Container, keyError, why)...)
}
