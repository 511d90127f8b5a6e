package watchtower

import (
	"strconv"
	"time"

	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/registry"
)

func acceptsBool(_, value string) (accepted string, ok bool) {
	_, err := strconv.ParseBool(value)
	return "true or false", err == nil
}

func acceptsReference(_, value string) (accepted string, ok bool) {
	_, err := registry.Parse(value)
	return "an image reference (nginx:1.27)", err == nil && !isID(value)
}

func acceptsWindow(_, value string) (accepted string, ok bool) {
	_, err := gate.ParseWindow(value)
	return "days and hours (Mon-Fri 02:00-05:00 Europe/Berlin)", err == nil
}

func acceptsDelay(_, value string) (accepted string, ok bool) {
	_, err := gate.ParseDelay(value)
	return "a duration (12h, 3d, 1w12h), or 0 for none", err == nil
}

func ifNumber(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

func ifOn(on bool) string {
	if on {
		return "true"
	}
	return ""
}

func ifSet(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return d.String()
}

// badLabel is a label whose value nobody can use.
type badLabel struct{ container, label string }

// tellLabels gives every container its policy, and tells once of each label that has
// a bad value: of those that are watched, and of the label that says whether one is.
func (p *pass) tellLabels() {
	bad := map[badLabel]string{}
	for i := range p.report.Entries {
		e := &p.report.Entries[i]
		e.Policy = p.cfg.policyOf(e.Container.Labels)
		for _, v := range e.Policy {
			if v.Problem == "" || v.Name != "enable" && !p.filter.Match(e.Container) {
				continue
			}
			key := badLabel{e.key(), v.Label}
			bad[key] = v.given
			if known, told := p.badLabels[key]; !told || known != v.given {
				p.emit(LabelInvalid{At: p.now(), Container: e.Container, Label: v.Label, Value: v.given, Accepted: v.accepted})
			}
		}
	}
	p.badLabels = bad
}

// followed is what the container's label says that it follows, whatever it was
// created by; empty if it says nothing that can be followed.
func followed(c lifecycle.Container) string {
	text := c.Labels[lifecycle.LabelOriginalImage]
	if _, ok := acceptsReference("", text); !ok {
		return ""
	}
	return text
}
