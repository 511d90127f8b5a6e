package dockerengine

import (
	"context"
	"net/url"

	"github.com/watchtower-go/watchtower/lifecycle"
)

var _ lifecycle.Connector = (*Engine)(nil)

// Connect gives a container an endpoint with these settings.
func (e *Engine) Connect(ctx context.Context, network, ref string, endpoint lifecycle.Document) error {
	return e.do(ctx, "connect", ref, func(s *session) error { return e.join(ctx, s, network, ref, endpoint) })
}

// Disconnect takes a container off a network.
func (e *Engine) Disconnect(ctx context.Context, network, ref string) error {
	return e.do(ctx, "disconnect", ref, func(s *session) error {
		return e.post(ctx, s, "/networks/"+url.PathEscape(network)+"/disconnect", nil, map[string]any{"Container": ref}, nil)
	})
}

func (e *Engine) join(ctx context.Context, s *session, network, ref string, endpoint lifecycle.Document) error {
	body := map[string]any{"Container": ref, "EndpointConfig": endpoint}
	return e.post(ctx, s, "/networks/"+url.PathEscape(network)+"/connect", nil, body, nil)
}
