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

// container is one as it stands, with what the last pass about it found.
type container struct {
	Name         string            `json:"name"`
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
	Containers []T `json:"containers"`
	Count      int `json:"count"`
	stamp
}

// list asks the engine, for all who ask at a time.
func (h *Handler) list(ctx context.Context) ([]watchtower.Watched, error) {
	return h.listed.get(ctx, maxAskTime, h.tower.Load().Containers)
}

// some are the containers that a request means: those that are watched, or with "all"
// every one, of the name and the image it says.
func (h *Handler) some(r *http.Request) ([]watchtower.Watched, error) {
	values, err := parameters(r, "name", "image", "all")
	if err != nil {
		return nil, err
	}
	all := false
	if text := values.Get("all"); text != "" {
		if all, err = strconv.ParseBool(text); err != nil {
			return nil, invalid("all: %q: want true or false", text)
		}
	}
	watched, err := h.list(r.Context())
	if err != nil {
		return nil, err
	}
	name, image := strings.TrimPrefix(values.Get("name"), "/"), values.Get("image")
	return slices.DeleteFunc(slices.Clone(watched), func(c watchtower.Watched) bool {
		return !c.Selected && !all || name != "" && c.Container.Name != name || image != "" && c.Container.Image != image
	}), nil
}

func (h *Handler) containers(w http.ResponseWriter, r *http.Request) {
	some, err := h.some(r)
	if err != nil {
		h.fail(w, err)
		return
	}
	out := listAnswer[container]{Containers: []container{}, Count: len(some), stamp: stamped()}
	for _, c := range some {
		out.Containers = append(out.Containers, h.containerOf(c))
	}
	h.answer(w, http.StatusOK, out)
}

func (h *Handler) containerDetails(w http.ResponseWriter, r *http.Request) {
	some, err := h.some(r)
	if err != nil {
		h.fail(w, err)
		return
	}
	out := listAnswer[details]{Containers: []details{}, Count: len(some), stamp: stamped()}
	for _, c := range some {
		d := details{
			container:   h.containerOf(c),
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

func (h *Handler) containerOf(c watchtower.Watched) container {
	out := container{
		Name: c.Container.Name, Image: c.Container.Image, ImageID: c.Container.ImageID, Digest: c.Digest,
		ID: c.Container.ID, State: c.Container.State, Skipped: c.Skipped,
	}
	if last, ok := h.history.about(c.Container.ID); ok {
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
	Name       string   `json:"name"`
	ImageID    string   `json:"image_id"`
	Digest     string   `json:"digest"`
	Containers []string `json:"containers"`
}

// images are those of the containers that are watched.
func (h *Handler) images(w http.ResponseWriter, r *http.Request) {
	values, err := parameters(r, "name", "id")
	if err != nil {
		h.fail(w, err)
		return
	}
	watched, err := h.list(r.Context())
	if err != nil {
		h.fail(w, err)
		return
	}
	out := struct {
		Images []image `json:"images"`
		Count  int     `json:"count"`
		stamp
	}{Images: []image{}, stamp: stamped()}
	for _, c := range watched {
		own := c.Container
		name, id := cmp.Or(values.Get("name"), own.Image), cmp.Or(values.Get("id"), own.ImageID)
		if !c.Selected || name != own.Image || id != own.ImageID {
			continue
		}
		i := slices.IndexFunc(out.Images, func(i image) bool { return i.Name == own.Image && i.ImageID == own.ImageID })
		if i < 0 {
			i, out.Images = len(out.Images), append(out.Images, image{Name: own.Image, ImageID: own.ImageID, Digest: c.Digest})
		}
		out.Images[i].Containers = append(out.Images[i].Containers, own.Name)
	}
	out.Count = len(out.Images)
	h.answer(w, http.StatusOK, out)
}
