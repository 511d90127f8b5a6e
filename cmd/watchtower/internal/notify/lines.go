package notify

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// The keys of an Entry's data.
const (
	keyEngine    = "engine" // its name, where it has one
	keyContainer = "container"
	keyService   = "service"   // its mode, where the container is a swarm's service
	keyImage     = "image"     // the reference
	keyID        = "id"        // of a container, short
	keyNewID     = "new_id"    // of an image or, once there is one, of the new container; short
	keyImageID   = "image_id"  // short
	keyNewImage  = "new_image" // the reference, where it is another
	keyError     = "error"
	keyReason    = "reason"
)

// line is an entry on its way into a message.
type line struct {
	Entry
	weight weight
}

// weight is what a line is worth.
type weight int

const (
	detail weight = iota // it comes along with news
	news                 // a message
	aside                // a message of its own beside a report, which does not say it
)

func (l line) isNews() bool { return l.weight != detail }

func (l line) isAside() bool { return l.weight == aside }

// write adds a line that is due at the level; pairs are its data.
func (n *Notifier) write(at time.Time, level slog.Level, w weight, text string, pairs ...string) {
	data := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			data[pairs[i]] = pairs[i+1]
		}
	}
	if level < n.cfg.Level {
		return
	}
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", "; ")
	if n.cfg.Engine != "" {
		text, data[keyEngine] = n.cfg.Engine+": "+text, n.cfg.Engine
	}
	n.lines = append(n.lines, line{Entry{Message: text, Level: levelName(level), Time: at, Data: data}, w})
}

// recovered adds a line about the end of what was told at the level.
func (n *Notifier) recovered(at time.Time, level slog.Level, text string, pairs ...string) {
	before := len(n.lines)
	n.write(at, level, news, text, pairs...)
	if len(n.lines) > before {
		n.lines[before].Level = levelName(slog.LevelInfo)
	}
}

func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warning"
	default:
		return "error"
	}
}

func named(c lifecycle.Container) string { return fmt.Sprintf("%s (%s)", keyOf(c), c.Image) }

// keyOf is what a container goes by, and in sentences. A swarm's service may have a
// container's name, and none has a blank in it.
func keyOf(c lifecycle.Container) string { return keyFor(c.Name, c.Service != nil) }

func keyFor(name string, service bool) string {
	if service {
		return "service " + name
	}
	return name
}

// keysOf are those of an event's containers and services.
func keysOf(containers, services []string) []string {
	out := append([]string{}, containers...)
	for _, name := range services {
		out = append(out, keyFor(name, true))
	}
	return out
}

// key is what the line's container goes by; empty if it is about none, or several.
func (l line) key() string {
	name, _ := l.Data[keyContainer].(string)
	return keyFor(name, l.Data[keyService] != nil)
}

func about(c lifecycle.Container, more ...string) []string {
	return append([]string{keyContainer, c.Name, keyService, string(c.ServiceMode()), keyImage, c.Image, keyID, c.ShortID()}, more...)
}

func short(id string) string { return ID(id).ShortID() }
