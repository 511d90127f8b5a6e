package httpapi_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/httpapi"
)

// fleet are worlds with names that have one API; it asks as the first.
type fleet struct {
	*world

	of     map[string]*world
	towers []httpapi.Tower
}

// newFleet has an engine of each name, whose towers are not attached. The options of one
// are made of its world.
func newFleet(t *testing.T, names []string, options map[string]func(v *world) watchtower.Option, opts ...httpapi.Option) *fleet {
	t.Helper()
	f := &fleet{of: map[string]*world{}}
	for _, name := range names {
		v := newWorld(t, opts...)
		if f.world == nil {
			f.world = v
		}
		v.api = f.api
		own := []watchtower.Option{watchtower.WithEngineName(name)}
		if option := options[name]; option != nil {
			own = append(own, option(v))
		}
		v.build(own...)
		f.of[name], f.towers = v, append(f.towers, v.tower)
	}
	return f
}

// attached has nas and vps, and others with options.
func (f *fleet) attached() *fleet {
	f.t.Helper()
	require.NoError(f.t, f.api.Attach(f.towers...))
	return f
}

// nasAndVPS is the usual one.
func nasAndVPS(t *testing.T) *fleet {
	t.Helper()
	return newFleet(t, []string{"nas", "vps"}, nil).attached()
}

// mute is an engine that takes a ping and does not answer it.
type mute struct{ *world }

func (mute) Ping(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func pingHangs(v *world) watchtower.Option { return watchtower.WithEngine(mute{v}) }

func listHangs(v *world) watchtower.Option { return watchtower.WithEngine(stuck{v}) }

// errorsOf are an answer's, by engine.
func errorsOf(o object) map[string]string {
	out := map[string]string{}
	list, _ := o["errors"].([]any)
	for _, one := range list {
		out[one.(object)["engine"].(string)] = one.(object)["error"].(string)
	}
	return out
}

// byEngine are an answer's parts, by engine.
func byEngine(o object) map[string]object {
	out := map[string]object{}
	list, _ := o["engines"].([]any)
	for _, one := range list {
		out[one.(object)["engine"].(string)] = one.(object)
	}
	return out
}
