package lifecycle

import "context"

// HookFunc is a hook in Go, of a program that embeds this one. It runs once for
// each container at its point, for several containers at a time, and whatever
// state they are in.
type HookFunc func(ctx context.Context, call HookCall) HookVerdict

// HookCall tells a HookFunc what it is called for.
type HookCall struct {
	// Point is where.
	Point HookPoint
	// Container is the one it is about: at PostUpdate the successor, and at
	// PostCheck as well if there is one.
	Container Container
	// Reference and ImageID are what a container is brought to, at PreUpdate, or
	// was, at PostUpdate; empty at the others.
	Reference, ImageID string
}
