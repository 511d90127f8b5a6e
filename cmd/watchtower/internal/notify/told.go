package notify

// fact is what may be told of something: of a container, an image or the passes.
type fact struct{ of, subject, kind string }

// told remembers what was told, so that a fact that lasts is told once and its end can
// be told, too. It forgets with the process.
type told map[fact]string

// first reports whether the fact is new, or another than was told: value is what makes
// it another, the digest as a rule.
func (t told) first(f fact, value string) bool {
	was, known := t[f]
	t[f] = value
	return !known || was != value
}

// over forgets the fact, and reports whether it was told.
func (t told) over(f fact) bool {
	_, known := t[f]
	delete(t, f)
	return known
}

// keep forgets the facts about containers that are no more.
func (t told) keep(names map[string]bool) {
	for f := range t {
		if f.of == ofContainer && !names[f.subject] {
			delete(t, f)
		}
	}
}

// What facts are of.
const (
	ofContainer = "container"
	ofImage     = "image"
	ofPass      = "pass"
)
