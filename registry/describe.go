package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/opencontainers/go-digest"
)

// maxConfig bounds the body of an image's configuration: real ones take some
// ten KiB, and what an engine takes is no more than a manifest may have.
const maxConfig = 4 << 20

// maxConfigs bounds how many are kept, of some KiB each.
const maxConfigs = 1024

// ImageConfig is what an image says of itself, read before anybody pulls it.
type ImageConfig struct {
	// Created is when it says it was made; zero if it does not, or does not want
	// to, as reproducible builds.
	Created time.Time
	// Labels are its labels; nil for none.
	Labels map[string]string
	// Defaults is the JSON object of what it gives its containers (Env, Cmd,
	// Labels, User, …), in the words of the engine's API.
	Defaults json.RawMessage
}

// Describer is a Checker that can also read an image's configuration. It is
// asked about images that a Verdict of its own held, and only about those that
// somebody is to move to, or would if it was not only monitored.
type Describer interface {
	// Describe reads the configuration that image.Config names. Its errors are
	// those of a Verdict, and class InvalidArgument where image.Config is empty.
	Describe(ctx context.Context, reference string, image Image) (ImageConfig, error)
}

var _ Describer = (*Client)(nil)

// Describe reads the configuration that image.Config names with one request, or
// none if it was read before, or is being read: what a digest names never changes.
func (c *Client) Describe(ctx context.Context, reference string, image Image) (ImageConfig, error) {
	if image.Config.Validate() != nil {
		return ImageConfig{}, invalid("Describe", fmt.Sprintf("%q", image.Config), "the digest of a configuration")
	}
	for {
		c.mu.Lock()
		config, ok := c.configs[image.Config]
		reader, busy := c.readers[image.Config]
		if !ok && !busy {
			reader = make(chan struct{})
			c.readers[image.Config] = reader
		}
		c.mu.Unlock()
		switch {
		case ok:
			return config, nil
		case !busy:
			config, err := c.describe(ctx, reference, image)
			c.mu.Lock()
			delete(c.readers, image.Config)
			c.mu.Unlock()
			close(reader)
			return config, err
		}
		select {
		case <-reader:
		case <-ctx.Done():
			return ImageConfig{}, fmt.Errorf("registry: describe %s: %w", reference, context.Cause(ctx))
		}
	}
}

// describe reads it, and keeps it.
func (c *Client) describe(ctx context.Context, reference string, image Image) (config ImageConfig, err error) {
	err = c.reading(ctx, reference, func(h *host, ref Reference) error {
		body, err := h.blob(ctx, ref, image.Config, maxConfig)
		if err != nil {
			return err
		}
		if config, err = parseImageConfig(body); err != nil {
			return broken(ref, err)
		}
		return nil
	})
	if err != nil {
		return ImageConfig{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.configs) >= maxConfigs {
		clear(c.configs)
	}
	c.configs[image.Config] = config
	return config, nil
}

func parseImageConfig(body []byte) (ImageConfig, error) {
	var doc struct {
		Created time.Time       `json:"created"`
		Config  json.RawMessage `json:"config"`
	}
	var defaults struct{ Labels map[string]string }
	if json.Unmarshal(body, &doc) != nil {
		return ImageConfig{}, errors.New("its configuration is not JSON")
	}
	if len(doc.Config) == 0 || string(doc.Config) == "null" {
		doc.Config = json.RawMessage("{}")
	}
	if json.Unmarshal(doc.Config, &defaults) != nil {
		return ImageConfig{}, errors.New("its configuration is of an unknown kind")
	}
	return ImageConfig{Created: doc.Created, Labels: defaults.Labels, Defaults: doc.Config}, nil
}

// blob reads what a digest names. It may be served from elsewhere, where no
// login of this registry goes along.
func (h *host) blob(ctx context.Context, ref Reference, d digest.Digest, most int64) ([]byte, error) {
	resp, err := h.ask(ctx, http.MethodGet, ref, "/blobs/"+d.String())
	if err != nil {
		return nil, err
	}
	defer discard(resp)
	if resp.StatusCode != http.StatusOK {
		return nil, denied("get", ref, resp)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	switch {
	case err != nil:
		return nil, unanswered(ctx, "get", ref, err)
	case int64(len(body)) > most:
		return nil, broken(ref, fmt.Errorf("%s is more than %d bytes", d, most))
	case d.Algorithm().FromBytes(body) != d:
		return nil, broken(ref, fmt.Errorf("what it serves as %s is something else", d))
	}
	return body, nil
}
