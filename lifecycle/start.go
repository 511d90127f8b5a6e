package lifecycle

// Start says whether successors are started.
type Start string

// What may become of a successor's state. The zero value leaves it as it was found.
const (
	// StartAsFound: it is started if its predecessor was up, and paused if that was.
	StartAsFound Start = ""
	// StartNever: it is created and not started. Its predecessor is stopped and
	// removed once the engine has been seen to keep the configuration; whether the
	// image is any good nobody knows.
	StartNever Start = "never"
	// StartAlways: it is started, and has to prove itself, also if its predecessor
	// was not up.
	StartAlways Start = "always"
)

// then is what the successor of a container in this state is to end as.
func (l letter) then(s Start) letter {
	switch {
	case l == 0: // nobody knows what it was, and nothing is left of it
		return l
	case s == StartNever:
		return wasCreated
	case s == StartAlways && !l.up():
		return wasRunning
	default:
		return l
	}
}

// goal is what the successor is to end as.
func (m *move) goal() letter { return m.was.then(m.member.Start) }

// startOf is what a successor's label says.
func startOf(c *Container) Start { return Start(c.Labels[labelStart]) }

// goal is what the successor is to end as; the letter alone tells what there is to
// go back to.
func (s *slot) goal() letter {
	if s.next == nil {
		return s.letter
	}
	return s.letter.then(startOf(s.next))
}
