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
		n.write(e.At, warn, aside, fmt.Sprintf("%s has a label with a value that is not accepted: %s=%s, want %s",
			named(e.Container), e.Label, e.Value, e.Accepted), about(e.Container)...)
	case watchtower.CheckFailed:
		n.checkFailed(e)
	case watchtower.MirrorNoticed:
		level, w, text := info, news, "The mirror %[2]s answered in the registry's place for %[1]s"
		if e.Stale {
			level, w, text = warn, aside, "The mirror %[2]s is stale: for %[1]s it points at something else than the registry"
		}
		n.write(e.At, level, w, fmt.Sprintf(text, e.Reference, e.Mirror), keyImage, e.Reference)
	case watchtower.UpdateFound:
		n.found(e)
	case watchtower.UpdateHeld:
		c := e.Entry.Container
		w := news
		if n.failed[keyOf(c)] == e.Entry.Latest {
			w = detail // a digest that failed is held from then on, which goes without saying
		}
		n.write(e.At, info, w, fmt.Sprintf("%s waits for its update: %s", named(c), e.Entry.Reason), about(c, keyReason, e.Entry.Reason)...)
	case watchtower.PullStarted:
		n.write(e.At, debug, detail, "Pulling "+e.Reference, keyImage, e.Reference)
	case watchtower.PullEnded:
		if e.Err != nil {
			n.write(e.At, warn, detail, fmt.Sprintf("Pulling %s failed: %v", e.Reference, e.Err), keyImage, e.Reference, keyError, e.Err.Error())
		}
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
			n.write(e.At, warn, aside,
				fmt.Sprintf("An update of %s that was cut short is unfinished: %v", r.Name, r.Err), keyContainer, r.Name, keyError, r.Err.Error())
			return
		}
		n.write(e.At, warn, aside, fmt.Sprintf("An update of %s that was cut short is settled: %s", r.Name, r.Outcome), keyContainer, r.Name, keyID, short(r.ID))
	case watchtower.SelfUpdateStarted:
		n.write(e.At, info, news, fmt.Sprintf("Replacing %s, which is this watchtower itself", named(e.Entry.Container)), about(e.Entry.Container)...)
	case watchtower.SelfUpdateEnded:
		n.ended(e.At, e.Entry)
	case watchtower.LeftoverFound:
		n.leftover(e)
	case watchtower.FailureEnded:
		n.over(e)
	case watchtower.ObserverOverflowed:
		n.write(e.At, warn, aside, fmt.Sprintf("%d events came too fast to be told", e.Missed))
	default:
		// The rest is for those who watch a pass while it runs.
	}
}

func (n *Notifier) checkFailed(e watchtower.CheckFailed) {
	keys := keysOf(e.Containers, e.Services)
	for _, key := range keys {
		n.newsOf[key] = true
	}
	names := strings.Join(keys, ", ")
	n.write(e.At, slog.LevelWarn, news, fmt.Sprintf("Checking %s failed, which %s uses: %v", e.Reference, names, e.Err),
		keyImage, e.Reference, keyContainer, names, keyError, e.Err.Error())
}

func (n *Notifier) found(e watchtower.UpdateFound) {
	c := e.Entry.Container
	n.newsOf[keyOf(c)] = true
	text := fmt.Sprintf("Found a new image for %s: %s", named(c), ID(e.Entry.Latest).ShortID())
	text += changed(e.Entry)
	if e.Entry.Policy.Get("monitor-only").Value == "true" {
		text += "; it is only monitored"
	}
	n.write(e.At, slog.LevelInfo, news, text,
		about(c, keyNewID, ID(e.Entry.Latest).ShortID(), keyNewImage, e.Entry.NewReference)...)
}

func (n *Notifier) step(e watchtower.StepStarted) {
	said := map[string]string{"stop": "Stopping ", "start": "Starting ", "roll back": "Rolling back "}[e.Step.Action]
	if said == "" {
		return
	}
	text := said + keyFor(e.Step.Container, e.Service != "")
	if e.Step.Detail != "" {
		text += ": " + e.Step.Detail
	}
	n.write(e.At, slog.LevelInfo, detail, text, keyContainer, e.Step.Container, keyService, string(e.Service), keyImage, e.Image)
}

func (n *Notifier) hook(e watchtower.HookEnded) {
	v := e.Result.Verdict
	switch {
	case v.Err != nil:
		n.write(e.At, slog.LevelWarn, aside, fmt.Sprintf("The %s hook of %s failed: %v", e.Result.Point, named(e.Container), v.Err),
			about(e.Container, keyError, v.Err.Error())...)
	case v.Skip != "":
		n.write(e.At, slog.LevelInfo, detail, fmt.Sprintf("The %s hook of %s says not now: %s", e.Result.Point, named(e.Container), v.Skip),
			about(e.Container, keyReason, v.Skip)...)
	}
}

// over tells that a failure is. That passes are made again is a message of its own: no
// report says it.
func (n *Notifier) over(e watchtower.FailureEnded) {
	keys := keysOf(e.Containers, e.Services)
	for _, key := range keys {
		n.newsOf[key] = true
		delete(n.failed, key)
	}
	names := strings.Join(keys, ", ")
	switch {
	case e.Reference != "":
		n.recovered(e.At, slog.LevelWarn, fmt.Sprintf("%s, which %s uses, can be checked again", e.Reference, names), keyImage, e.Reference, keyContainer, names)
	case len(keys) == 0:
		lines := n.lines
		n.lines = nil
		n.recovered(e.At, slog.LevelError, "Passes are made again")
		if n.cfg.Report {
			n.flush(nil)
		}
		n.lines = append(n.lines, lines...)
	default:
		n.recovered(e.At, slog.LevelError, fmt.Sprintf("%s is well again: it had %s", names, e.What), keyContainer, names)
	}
}

// changed is what an update means for people, as far as the images tell.
func changed(e watchtower.Entry) string {
	text := ""
	if e.NewReference != "" {
		text = ", " + e.NewReference
	}
	if change := e.Change().String(); change != "" {
		text += ", " + change
	}
	return text
}

// ended tells what became of an update.
func (n *Notifier) ended(at time.Time, e watchtower.Entry) {
	c := e.Container
	switch {
	case e.Status == watchtower.StatusUpdated:
		n.newsOf[keyOf(c)] = true
		text := fmt.Sprintf("Updated %s: %s to %s", named(c), short(c.ImageID), short(e.NewImageID)) + changed(e)
		delete(n.failed, keyOf(c))
		n.write(at, slog.LevelInfo, news, text, about(c, keyImageID, short(c.ImageID), keyNewID, short(e.NewContainerID), keyNewImage, e.NewReference)...)
	case e.Status == watchtower.StatusRestarted:
		n.newsOf[keyOf(c)] = true
		n.write(at, slog.LevelInfo, news, fmt.Sprintf("Restarted %s: %s", named(c), e.Reason), about(c, keyNewID, short(e.NewContainerID), keyReason, e.Reason)...)
	case e.Err != nil:
		n.newsOf[keyOf(c)], n.failed[keyOf(c)] = true, e.Latest
		text := "Updating %s failed: %v"
		if e.Status == watchtower.StatusRolledBack {
			text = "Updating %s failed, and it was rolled back: %v"
		}
		n.write(at, slog.LevelError, news, fmt.Sprintf(text, named(c), e.Err),
			about(c, keyError, e.Err.Error())...)
	default:
		n.write(at, slog.LevelWarn, news, fmt.Sprintf("%s: %s: %s", named(c), e.Status, e.Reason),
			about(c, keyReason, e.Reason)...)
	}
}

func (n *Notifier) image(e watchtower.ImageRemoved) {
	switch {
	case e.Err != nil:
		n.write(e.At, slog.LevelWarn, detail, fmt.Sprintf("Removing the image %s (%s) failed: %v", e.Reference, short(e.ImageID), e.Err),
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
	n.write(e.At, slog.LevelWarn, aside,
		fmt.Sprintf("%s is left of another program's update of itself, and %s", named(e.Container), text), about(e.Container, keyError, why)...)
}
