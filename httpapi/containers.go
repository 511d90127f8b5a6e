package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// kind tells a service from a container.
type kind struct {
	Service lifecycle.ServiceMode  `json:"service,omitempty"` // of a container none
	Rollout lifecycle.RolloutState `json:"rollout,omitempty"` // of a service, in the swarm's words
	TaskOf  string                 `json:"task_of,omitempty"` // of a container, the service
}

func kindOf(c lifecycle.Container, taskOf string) kind {
	if c.Service == nil {
		return kind{TaskOf: taskOf}
	}
	return kind{Service: c.ServiceMode(), Rollout: c.Service.Rollout}
}

// container is one as it stands, with what the last pass about it found.
type container struct {
	Engine string `json:"engine,omitempty"`
	Name   string `json:"name"`
	kind
	Image        string            `json:"image"`
	ImageID      string            `json:"image_id"`
	Digest       string            `json:"digest"`
	ID           string            `json:"id"`
	State        lifecycle.State   `json:"state"`
	Skipped      string            `json:"skipped,omitempty"`
	Status       watchtower.Status `json:"status,omitempty"`
	Reason       string            `json:"reason,omitempty"`
	OutOfDate    bool              `json:"out_of_date,omitempty"`
	Latest       string            `json:"latest_digest,omitempty"`
	NewReference string            `json:"new_reference,omitempty"`
	versions
	HeldUntil time.Time `json:"held_until,omitzero"`
	Error     string    `json:"error,omitempty"`
	Checked   time.Time `json:"checked,omitzero"`
}

// details are what else is to be known of it.
type details struct {
	container

	Running     bool              `json:"running"`
	Watchtower  bool              `json:"watchtower"`
	MonitorOnly bool              `json:"monitor_only"`
	NoPull      bool              `json:"no_pull"`
	Enabled     bool              `json:"enabled"`
	Stale       bool              `json:"stale"`
	Scope       string            `json:"scope"`
	Policy      watchtower.Policy `json:"policy,omitempty"`
}

type listAnswer[T any] struct {
	Containers []T       `json:"containers"`
	Count      int       `json:"count"`
	Errors     []problem `json:"errors,omitempty"`
	stamp
}

// lists are the containers of the engines, as far as these say: see sorted.
func lists(ctx context.Context, engines []*engine) ([]said[[]watchtower.Watched], []problem, error) {
	return sorted(each(engines, func(e *engine) ([]watchtower.Watched, error) { return e.list(ctx) }))
}

// seen is a container, on its engine.
type seen struct {
	watchtower.Watched

	engine *engine
}

// some are the containers that a request means: those that are watched, or with "all"
// every one, of the name and the image it says.
func (h *Handler) some(r *http.Request) ([]seen, []problem, error) {
	values, engines, err := h.about(r, "name", "image", "all")
	if err != nil {
		return nil, nil, err
	}
	all := false
	if text := values.Get("all"); text != "" {
		if all, err = strconv.ParseBool(text); err != nil {
			return nil, nil, invalid("all: %q: want true or false", text)
		}
	}
	lists, problems, err := lists(r.Context(), engines)
	name, image := strings.TrimPrefix(values.Get("name"), "/"), values.Get("image")
	var some []seen
	for _, list := range lists {
		for _, c := range list.value {
			if (c.Selected || all) && (name == "" || c.Container.Name == name) && (image == "" || c.Container.Image == image) {
				some = append(some, seen{c, list.engine})
			}
		}
	}
	return some, problems, err
}

func (h *Handler) containers(w http.ResponseWriter, r *http.Request) {
	some, problems, err := h.some(r)
	if err != nil {
		h.fail(w, err)
		return
	}
	out := listAnswer[container]{Containers: []container{}, Count: len(some), Errors: problems, stamp: stamped()}
	for _, c := range some {
		out.Containers = append(out.Containers, containerOf(c))
	}
	h.answer(w, http.StatusOK, out)
}

func (h *Handler) containerDetails(w http.ResponseWriter, r *http.Request) {
	some, problems, err := h.some(r)
	if err != nil {
		h.fail(w, err)
		return
	}
	out := listAnswer[details]{Containers: []details{}, Count: len(some), Errors: problems, stamp: stamped()}
	for _, c := range some {
		d := details{
			container:   containerOf(c),
			Running:     c.Container.State == lifecycle.StateRunning,
			Watchtower:  c.Container.Labels[lifecycle.LabelInstance] == "true",
			MonitorOnly: c.Policy.Get("monitor-only").Value == "true",
			NoPull:      c.Policy.Get("no-pull").Value == "true",
			Enabled:     c.Policy.Get("enable").Value == "true",
			Policy:      c.Policy.Said(),
		}
		d.Stale = d.OutOfDate
		if scope := c.Policy.Get("scope").Value; scope != filter.NoScope {
			d.Scope = scope
		}
		out.Containers = append(out.Containers, d)
	}
	h.answer(w, http.StatusOK, out)
}

func containerOf(c seen) container {
	taskOf, _ := lifecycle.TaskOf(c.Container)
	out := container{
		Engine: c.engine.name, Name: c.Container.Name, kind: kindOf(c.Container, taskOf), Image: c.Container.Image, ImageID: c.Container.ImageID, Digest: c.Digest,
		ID: c.Container.ID, State: c.Container.State, Skipped: c.Skipped,
	}
	if last, ok := c.engine.history.about(c.Container.ID); ok {
		e := last.entry
		out.Status, out.Reason, out.Latest, out.NewReference, out.HeldUntil = e.Status, e.Reason, e.Latest, e.NewReference, e.HeldUntil
		out.versions, out.OutOfDate, out.Checked = versionsOf(e), e.OutOfDate, rounded(last.at)
		if e.Err != nil {
			out.Error = e.Err.Error()
		}
	}
	return out
}

// image is one that is in use.
type image struct {
	Engine     string   `json:"engine,omitempty"`
	Name       string   `json:"name"`
	ImageID    string   `json:"image_id"`
	Digest     string   `json:"digest"`
	Containers []string `json:"containers"`
	Services   []string `json:"services,omitempty"`
}

// images are those of the containers that are watched.
func (h *Handler) images(w http.ResponseWriter, r *http.Request) {
	values, engines, err := h.about(r, "name", "id")
	if err != nil {
		h.fail(w, err)
		return
	}
	lists, problems, err := lists(r.Context(), engines)
	if err != nil {
		h.fail(w, err)
		return
	}
	out := struct {
		Images []image   `json:"images"`
		Count  int       `json:"count"`
		Errors []problem `json:"errors,omitempty"`
		stamp
	}{Images: []image{}, Errors: problems, stamp: stamped()}
	for _, list := range lists {
		out.Images = append(out.Images, imagesOf(list.engine.name, list.value, values.Get("name"), values.Get("id"))...)
	}
	out.Count = len(out.Images)
	h.answer(w, http.StatusOK, out)
}

// imagesOf are an engine's, of that name and ID where they are said.
func imagesOf(engine string, watched []watchtower.Watched, name, id string) (out []image) {
	for _, c := range watched {
		own := c.Container
		if !c.Selected || cmp.Or(name, own.Image) != own.Image || cmp.Or(id, own.ImageID) != own.ImageID {
			continue
		}
		i := slices.IndexFunc(out, func(i image) bool { return i.Name == own.Image && i.ImageID == own.ImageID })
		if i < 0 {
			i, out = len(out), append(out, image{Engine: engine, Name: own.Image, ImageID: own.ImageID, Digest: c.Digest, Containers: []string{}})
		}
		if own.Service != nil {
			out[i].Services = append(out[i].Services, own.Name)
		} else {
			out[i].Containers = append(out[i].Containers, own.Name)
		}
	}
	return out
}
