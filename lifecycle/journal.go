package lifecycle

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The journal of a swap is the engine itself: the phase stands in names, which
// a rename changes in one step, and the constants stand in labels of what the
// swap creates. No file and no volume is needed, and whoever can list the
// containers can read it.

const (
	labelPrefix = "com.centurylinklabs.watchtower."

	labelOf     = labelPrefix + "swap.of"     // the predecessor's full ID
	labelLead   = labelPrefix + "swap.lead"   // its group's leader, 12 digits
	labelTarget = labelPrefix + "swap.target" // the name to serve under
	labelState  = labelPrefix + "swap.state"  // r, p, s or c
	labelOrder  = labelPrefix + "swap.order"  // stop-first, start-first or restarting
	labelRole   = labelPrefix + "swap.role"   // new or spare
	labelHolder = labelPrefix + "swap.holder" // who made it
	labelTTL    = labelPrefix + "swap.ttl"    // how long a silent holder is left alone
	labelSeat   = labelPrefix + "swap.seat"   // its place in its group, the leader's 0
	labelStart  = labelPrefix + "swap.start"  // never or always; none: as the predecessor was

	// labelVolumes names the anonymous volumes that were carried on. They had to be
	// named for it, and that nobody meant a name is known nowhere else.
	labelVolumes = labelPrefix + "swap.volumes"

	// labelEndpoints holds, of a swap that starts first, the endpoints with
	// aliases, as JSON by network.
	labelEndpoints = labelPrefix + "swap.endpoints"

	swapLabels = labelPrefix + "swap."

	// LabelOriginalImage holds the reference that a container follows, whatever it
	// was created by: one that had to be created by an image ID has it.
	LabelOriginalImage = "com.centurylinklabs.zodiac.original-image"

	roleNew   = "new"
	roleSpare = "spare"

	// orderRestarting is for a predecessor that its policy restarts for ever.
	// Engines do not rename one that is between two lives, so it is stopped
	// under its own name, and the successor's labels alone tell what it was.
	orderRestarting = "restarting"
)

// Parsed from the right and anchored, with the target greedy: dots and dashes
// in a container's name cannot confuse it.
var (
	parkedName = regexp.MustCompile(`^(.+)\.wt-(old|spare)-([rpsc])-([0-9a-f]{12})-([0-9a-f]{12})-([0-9]+)$`)
	newName    = regexp.MustCompile(`^(.+)\.wt-new-([0-9a-f]{12})-([0-9a-f]{12})$`)
)

// letter is a container's state as a journal name writes it.
type letter byte

const (
	wasRunning letter = 'r'
	wasPaused  letter = 'p'
	wasStopped letter = 's'
	wasCreated letter = 'c'
)

// up tells whether the predecessor had a process when it was parked.
func (l letter) up() bool { return l == wasRunning || l == wasPaused }

// letterOf is 0 for a state no swap begins in. A restarting container counts as
// running.
func letterOf(s State) letter {
	switch s {
	case StateRunning, StateRestarting:
		return wasRunning
	case StatePaused:
		return wasPaused
	case StateExited:
		return wasStopped
	case StateCreated:
		return wasCreated
	case StateRemoving, StateDead:
		return 0
	default:
		return 0
	}
}

// entry is what one journal name says.
type entry struct {
	target string
	role   string // "old", roleNew or roleSpare
	letter letter
	old    string // 12 digits
	lead   string // 12 digits
	epoch  int
}

func (e entry) String() string {
	if e.role == roleNew {
		return fmt.Sprintf("%s.wt-new-%s-%s", e.target, e.old, e.lead)
	}
	return fmt.Sprintf("%s.wt-%s-%c-%s-%s-%d", e.target, e.role, e.letter, e.old, e.lead, e.epoch)
}

func parseEntry(name string) (entry, bool) {
	if m := newName.FindStringSubmatch(name); m != nil {
		return entry{target: m[1], role: roleNew, old: m[2], lead: m[3]}, true
	}
	m := parkedName.FindStringSubmatch(name)
	if m == nil {
		return entry{}, false
	}
	epoch, err := strconv.Atoi(m[6])
	if err != nil {
		return entry{}, false
	}
	return entry{target: m[1], role: m[2], letter: letter(m[3][0]), old: m[4], lead: m[5], epoch: epoch}, true
}

// journalEntry returns what the container's name says, if the container proves
// that the name is a swap's: a parked predecessor by its own ID, what a swap
// created by its labels. Without the proof the container is somebody else's.
func journalEntry(c Container) (entry, bool) {
	e, ok := parseEntry(c.Name)
	if !ok {
		return entry{}, false
	}
	if e.role == "old" {
		return e, short(c.ID) == e.old
	}
	return e, c.Labels[labelRole] == e.role && short(c.Labels[labelOf]) == e.old
}

// Unfinished reports whether the container stands under the name of a swap that
// has not ended, and the name of the service it belongs to. Such a container is
// no target.
func Unfinished(c Container) (service string, ok bool) {
	e, ok := journalEntry(c)
	return e.target, ok
}

// withoutSwapLabels returns the labels without those of an earlier swap, which
// mean nothing once it has ended.
func withoutSwapLabels(labels Document) Document {
	out := make(Document, len(labels))
	for k, v := range labels {
		if !strings.HasPrefix(k, swapLabels) {
			out[k] = v
		}
	}
	return out
}
