package watchtower

import (
	"context"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// WithServicesLeftTo leaves a swarm's services to any of the other engines that answers as
// a manager of the same swarm: its Tower has them in its reports, and updates them. It is
// asked for in each pass, so that the services of a manager that is gone are this Tower's
// in the next one. Of several Towers in one program each is given the engines of those
// before it. Without it two of one swarm make one update, too, since a manager takes only
// one for each version of a service; but each tells of it. Engines append; one that is in
// no swarm is left nothing. Default: none.
func WithServicesLeftTo(others ...Engine) Option {
	return func(c *config) error {
		for _, e := range others {
			if e == nil {
				return invalid("WithServicesLeftTo", "nil", "an Engine")
			}
			if lister, ok := e.(lifecycle.ServiceLister); ok {
				c.leftTo = append(c.leftTo, lister)
			}
		}
		return nil
	}
}

// left reports whether another engine answers as a manager of the cluster. All are asked at
// once, and the first that does is enough. An ID that is not known is nobody else's.
func (p *pass) left(ctx context.Context, id string) bool {
	if id == "" {
		return false
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan bool, len(p.cfg.leftTo))
	for _, other := range p.cfg.leftTo {
		go func() {
			var theirs lifecycle.Cluster
			err := errclass.Within(ctx, pingTimeout, func(ctx context.Context) (err error) {
				theirs, err = other.Cluster(ctx)
				return err
			})
			answers <- err == nil && theirs.Role == lifecycle.RoleManager && theirs.ID == id
		}()
	}
	for range p.cfg.leftTo {
		if <-answers {
			return true
		}
	}
	return false
}
