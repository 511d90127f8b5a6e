package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/internal/errclass"
)

// engine is a Tower that is attached, and what is kept of it.
type engine struct {
	Tower
	*book

	listed fresh[[]watchtower.Watched]
	health fresh[watchtower.Health]
}

// Attach gives the Towers that the API is about, one for each engine, in the order they
// are shown in. Called again, the new ones count. Without any, which nil is, what
// needs one is refused with 503.
//
// One without a name (see watchtower.WithEngineName) is alone, and no answer speaks of
// engines. Else each has a name of its own, its method EngineName says which, and answers
// name the engine of what they tell. Anything else is an error of class InvalidArgument,
// and those before stay. Each Tower wants the Handler among its observers.
func (h *Handler) Attach(towers ...Tower) error {
	towers = slices.DeleteFunc(slices.Clone(towers), func(t Tower) bool { return t == nil })
	engines := make([]*engine, 0, len(towers))
	for _, t := range towers {
		name := nameOf(t)
		switch other := named(engines, name); {
		case len(towers) > 1 && name == "":
			return invalid("Attach: a Tower without a name: want WithEngineName for each, where there are several")
		case other != nil:
			return invalid("Attach: %q: want a name for each engine that no other has", name)
		}
		e := &engine{Tower: t, book: h.books.of(name)}
		e.listed.impatient, e.health.impatient = len(towers) > 1, len(towers) > 1
		engines = append(engines, e)
	}
	h.engines.Store(&engines)
	return nil
}

// nameOf asks the Tower, but for one that knows no names.
func nameOf(t Tower) string {
	if n, ok := t.(interface{ EngineName() string }); ok {
		return n.EngineName()
	}
	return ""
}

func named(engines []*engine, name string) *engine {
	if i := slices.IndexFunc(engines, func(e *engine) bool { return e.name == name }); i >= 0 {
		return engines[i]
	}
	return nil
}

// attached are the engines there are, in their order.
func (h *Handler) attached() []*engine {
	if engines := h.engines.Load(); engines != nil {
		return *engines
	}
	return nil
}

// haveNames: one without a name is alone.
func haveNames(engines []*engine) bool { return len(engines) > 0 && engines[0].name != "" }

// about are the request's parameters, and the engines it means: all if it says none. Where
// engines have no names, nobody knows that parameter.
func (h *Handler) about(r *http.Request, known ...string) (url.Values, []*engine, error) {
	engines := h.attached()
	if len(engines) == 0 {
		return nil, nil, errStarting
	}
	if !haveNames(engines) {
		values, err := parameters(r, known...)
		return values, engines, err
	}
	values, err := parameters(r, append(slices.Clone(known), "engine")...)
	if err != nil {
		return nil, nil, err
	}
	names, err := list(values, "engine")
	if err != nil || len(names) == 0 {
		return values, engines, err
	}
	for _, name := range names {
		if named(engines, name) == nil {
			return nil, nil, invalid("engine: %q: want %s", name, strings.Join(namesOf(engines), ", "))
		}
	}
	return values, slices.DeleteFunc(slices.Clone(engines), func(e *engine) bool { return !slices.Contains(names, e.name) }), nil
}

func namesOf(engines []*engine) []string {
	out := make([]string, len(engines))
	for i, e := range engines {
		out[i] = e.name
	}
	return out
}

var errStarting = errclass.With(errdefs.ErrUnavailable, errors.New("starting"))

// said is what an engine said, or why it did not.
type said[T any] struct {
	engine *engine
	value  T
	err    error
}

// each asks the engines side by side.
func each[T any](engines []*engine, ask func(*engine) (T, error)) []said[T] {
	out := make([]said[T], len(engines))
	var asked sync.WaitGroup
	for i, e := range engines {
		asked.Go(func() {
			value, err := ask(e)
			out[i] = said[T]{e, value, err}
		})
	}
	asked.Wait()
	return out
}

// problem is why an engine has no part in an answer that others have one in.
type problem struct {
	Engine string `json:"engine"`
	Error  string `json:"error"`
}

// sorted are those that said something, and why the others did not: an error if that is all
// of them, of the class that has the highest status.
func sorted[T any](all []said[T]) (good []said[T], problems []problem, err error) {
	texts, worst := []string{}, error(nil)
	for _, s := range all {
		if s.err == nil {
			good = append(good, s)
			continue
		}
		problems = append(problems, problem{s.engine.name, s.err.Error()})
		texts = append(texts, s.engine.name+": "+s.err.Error())
		if worst == nil || statusOf(s.err) > statusOf(worst) {
			worst = s.err
		}
	}
	switch {
	case len(good) > 0:
		return good, problems, nil
	case len(all) == 1:
		return nil, nil, worst
	default:
		return nil, nil, errclass.With(worst, errors.New(strings.Join(texts, "; ")))
	}
}

// list asks the engine for its containers, once for all who ask at a time.
func (e *engine) list(ctx context.Context) ([]watchtower.Watched, error) {
	return e.listed.get(ctx, maxAskTime, e.Containers)
}

// state is the Tower's health, asked for once for all who want to know.
func (e *engine) state(ctx context.Context) watchtower.Health {
	out, err := e.health.get(ctx, maxAskTime, func(ctx context.Context) (watchtower.Health, error) {
		health := e.Health(ctx)
		return health, health.Err
	})
	out.Err = err
	return out
}
