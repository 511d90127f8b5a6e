package watchtower

import (
	"context"
	"time"

	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/registry"
)

// WithRegistryOptions adds options of the default Checker, which is a
// registry.Client: what certificates and mirrors there are, how many requests it
// makes at once, how long one may take. New refuses them beside WithChecker. Default:
// none; it has the Tower's credentials and logger, and follows the engine's registry
// configuration.
func WithRegistryOptions(opts ...registry.Option) Option {
	return func(c *config) error {
		c.registry = append(c.registry, opts...)
		return nil
	}
}

// WithRegistryClient is WithChecker for a registry.Client that several Towers share, each
// with an engine that has a name of its own (see WithEngineName). As the default one it is
// told what each engine is configured to (see registry.Client.SetEndpointsOf). It has
// logins of its own, beside those of WithCredentials, by which images are pulled. They
// share all that it has: connections, bounds, tokens, what registries allow, and the
// answers to what they ask at the same time.
func WithRegistryClient(client *registry.Client) Option {
	return func(c *config) error {
		if client == nil {
			return invalid("WithRegistryClient", "nil", "a *registry.Client")
		}
		c.client, c.checker = client, client
		return nil
	}
}

// configTimeout bounds the question after the engine's registry configuration,
// without which a check can do.
const configTimeout = 10 * time.Second

// follow tells the default checker how the engine reaches registries now. While the
// engine does not say, what it said last is in force.
func (t *Tower) follow(ctx context.Context) {
	e, ok := t.cfg.engine.(lifecycle.RegistryConfigurer)
	if !ok || t.cfg.client == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, configTimeout)
	defer cancel()
	config, err := e.RegistryConfig(ctx)
	if err == nil {
		err = t.cfg.client.SetEndpointsOf(t.cfg.engineName, registry.Endpoints{Mirrors: config.Mirrors, Insecure: config.Insecure})
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != "" && text != t.unfollowed {
		t.cfg.logger.Warn("the engine's registry configuration is not followed", "err", err)
	}
	t.unfollowed = text
}

// quotas are what the registries told the checker that they still allow.
func (t *Tower) quotas() (out []registry.Quota) {
	if q, ok := t.cfg.checker.(registry.QuotaTeller); ok {
		if err := contain("the checker", func() error { out = q.Quotas(); return nil }); err != nil {
			t.cfg.logger.Error("registry quota", "err", err)
		}
	}
	return out
}

// noted tells what is to be known of an answer besides the answer.
func (p *pass) noted(reference string, users []candidate, v registry.Verdict) {
	for _, u := range users {
		u.entry.Endpoint, u.entry.StaleMirror = v.Endpoint, v.StaleMirror
	}
	if v.OriginErr != nil {
		p.emit(MirrorNoticed{At: p.now(), Reference: reference, Mirror: v.Endpoint, Err: v.OriginErr})
	}
	if v.StaleMirror != "" {
		p.emit(MirrorNoticed{At: p.now(), Reference: reference, Mirror: v.StaleMirror, Stale: true})
	}
}
