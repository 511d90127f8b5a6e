package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// move is one container on its way: what was seen of it, and what is made.
type move struct {
	member Member
	old    Snapshot
	image  Image // the new one
	was    letter
	spec   Spec   // the successor's
	files  []byte // what Compose copied into the old one

	anonymous []string // the old one's volumes that nobody named
	renewed   []string // the volumes that the group's successors do not get
	begun     []string // those the engine made for the successor instead
	inherited []string // the mount points that come from other containers

	looping bool // its policy restarts it for ever
	lead    string
	seat    int // in the group
	order   Order
	ids     struct{ next, spare string }
	proven  bool
	hooks   time.Duration // that BeforeSwap may take
}

func (m *move) name(role string) string {
	return entry{target: m.old.Name, role: role, letter: m.was, old: short(m.old.ID), lead: m.lead}.String()
}

// stepDetail names a member that is not the one the group is told of by.
func (m *move) stepDetail() string {
	if m.seat == 0 {
		return ""
	}
	return m.old.Name
}

// shortLife is what Docker takes for the beginning of a life that lasts: before
// that the wait for the next one doubles.
const shortLife = 10 * time.Second

// isLooping: it has just begun another life, of which it may be out when it is to be
// renamed. Taken for that by mistake, because clocks differ or it recovers, it is
// only stopped before it is renamed.
func isLooping(c Snapshot) bool {
	return c.State == StateRunning && c.Status.RestartCount > 0 && time.Since(c.Status.StartedAt) < shortLife
}

func (m *move) orderLabel() string {
	if m.looping {
		return orderRestarting
	}
	return string(m.order)
}

// removesItself: the engine deletes it once it is stopped, so that a copy must
// be there before.
func (m *move) removesItself() bool { return m.was.up() && m.old.HostConfig.Flag("AutoRemove") }

// prepare looks at everything a swap needs to know and derives the successor's
// spec. It changes nothing.
func (r *recreator) prepare(ctx context.Context, t Target, lead string, seat int) (*move, error) {
	m := t.Members[seat]
	old, err := r.inspect(ctx, m.Container.ID)
	if err != nil {
		return nil, err
	}
	if old.Name != m.Container.Name || old.ImageID != m.Container.ImageID {
		return nil, precondition("it is not the container that was judged: now %s on %s", old.Name, short12(old.ImageID))
	}
	mv := &move{member: m, old: old, was: letterOf(old.State), lead: lead, seat: seat, hooks: hooksWithin(t)}
	if mv.was == 0 {
		return nil, precondition("it is %s", old.State)
	}
	// One that has ended since may be one that nobody asked to touch.
	if mv.was != letterOf(m.Container.State) {
		return nil, precondition("it is not the container that was judged: now it is %s", old.State)
	}
	if old.Config == nil || old.HostConfig == nil {
		return nil, precondition("the engine does not show its configuration")
	}
	if err := r.apart(ctx, old); err != nil {
		return nil, err
	}
	if mv.order, err = orderOf(t, seat, old); err != nil {
		return nil, err
	}
	mv.looping = old.State == StateRestarting || mv.order != StartFirst && isLooping(old) // start-first leaves it up
	oldImage, err := r.inspectImage(ctx, old.ImageID, old.ImagePlatform)
	if err != nil {
		// Without the old defaults nobody can tell which settings are the user's.
		return nil, fmt.Errorf("inspect its image: %w", err)
	}
	if mv.image, err = r.inspectImage(ctx, m.Reference, old.ImagePlatform); err != nil {
		return nil, fmt.Errorf("inspect the new image: %w", err)
	}
	if mv.image.ID != m.ImageID {
		return nil, precondition("%s leads to %s, not to the judged %s", m.Reference, short12(mv.image.ID), short12(m.ImageID))
	}
	// One for several platforms shows one of them; it is created for the right one.
	if old.ImagePlatform == "" && architecture(mv.image.Platform) != architecture(oldImage.Platform) {
		return nil, precondition("the new image is for %s, not for %s", mv.image.Platform, oldImage.Platform)
	}
	inherited, err := r.inherited(ctx, old)
	if err != nil {
		return nil, err
	}
	if mv.files, err = r.copiedFiles(ctx, old); err != nil {
		return nil, err
	}
	mv.anonymous, mv.inherited = anonymousVolumes(old, inherited), inherited
	if m.FreshVolumes && len(mv.anonymous) > 0 {
		if _, ok := r.engine.(VolumeRemover); !ok {
			return nil, precondition("this engine cannot remove its anonymous volumes")
		}
		mv.renewed = mv.anonymous
	}
	mv.spec = successorSpec(old, oldImage, m, inherited, mv.renewed)
	if _, ok := r.engine.(Connector); !ok && len(mv.aliased()) > 0 {
		return nil, errNoConnector
	}
	if err := r.verifiable(ctx, mv); err != nil {
		return nil, err
	}
	r.label(mv, mv.spec, roleNew)
	return mv, nil
}

// verifiable refuses what a verification could not read or do, or the way back not.
func (r *recreator) verifiable(ctx context.Context, m *move) error {
	if m.was == wasPaused { // to undo the swap, if for nothing else
		if err := r.allowed(ctx, "pause", Needs{Paused: true}); err != nil {
			return err
		}
	}
	labels := m.labels()
	if _, err := durationLabel(labels, LabelStableTime); err != nil {
		return err
	}
	probe, _, err := r.probeOf(labels)
	if err != nil || m.goal() != wasRunning {
		return err
	}
	return r.askable(ctx, m.old, probe)
}

// labels are those the successor will have: the user's and the new image's.
func (m *move) labels() map[string]string {
	out := map[string]string{}
	for _, config := range []Document{m.image.Config, m.spec.Config} {
		for key := range config.Object("Labels") {
			out[key] = config.Object("Labels").Text(key)
		}
	}
	return out
}

// inherited are the mount points that come from other containers.
func (r *recreator) inherited(ctx context.Context, old Snapshot) ([]string, error) {
	var out []string
	for _, from := range old.HostConfig.Texts("VolumesFrom") {
		ref, _, _ := strings.Cut(from, ":")
		snap, err := r.inspect(ctx, ref)
		if err != nil {
			return nil, fmt.Errorf("volumes from %s: %w", ref, err)
		}
		for _, m := range snap.Mounts {
			out = append(out, m.Destination)
		}
	}
	return out, nil
}

// label writes the journal's constants into what is created.
func (r *recreator) label(m *move, spec Spec, role string) {
	labels := spec.Config.Object("Labels")
	if labels == nil {
		labels = Document{}
	}
	for key, value := range map[string]string{
		labelOf:     m.old.ID,
		labelLead:   m.lead,
		labelTarget: m.old.Name,
		labelState:  string(rune(m.was)),
		labelOrder:  m.orderLabel(),
		labelRole:   role,
		labelHolder: r.me.String(),
		labelTTL:    r.patience(m).String(),
		labelSeat:   strconv.Itoa(m.seat),
	} {
		labels[key] = value
	}
	if m.order == StartFirst {
		labels[labelEndpoints] = m.endpointsLabel()
	}
	if m.member.Start != StartAsFound {
		labels[labelStart] = string(m.member.Start)
	}
	if carried := m.carried(role); len(carried) > 0 {
		labels[labelVolumes] = strings.Join(carried, ",")
	}
	spec.Config["Labels"] = map[string]any(labels)
}

// compare inspects what the engine made of the spec. Drift that the new image
// does not explain ends the swap before the old container is touched.
func (r *recreator) compare(ctx context.Context, m *move, spec Spec) error {
	got, err := r.inspect(ctx, m.ids.next)
	if err != nil {
		return err
	}
	m.begin(got)
	if got.ImageID != m.member.ImageID {
		return precondition("created on %s, not on the judged %s: %s has moved", short12(got.ImageID), short12(m.member.ImageID), m.member.Reference)
	}
	differences := append(drift(spec, m.image, got), lostVolumes(m.old, got, m.renewed)...)
	if len(differences) == 0 {
		return nil
	}
	texts := make([]string, len(differences))
	for i, d := range differences {
		texts[i] = d.String()
	}
	return precondition("the engine would not keep its configuration: %s", strings.Join(texts, "; "))
}

// unchanged looks at the old container again, now that the lock is held.
func (r *recreator) unchanged(ctx context.Context, m *move) error {
	now, err := r.inspect(ctx, m.old.ID)
	if errdefs.IsNotFound(err) {
		return precondition("somebody removed it meanwhile")
	}
	if err != nil {
		return err
	}
	same := now.Name == m.old.Name && letterOf(now.State) == m.was &&
		reflect.DeepEqual(now.Config, m.old.Config) && reflect.DeepEqual(now.HostConfig, m.old.HostConfig)
	if !same {
		return precondition("somebody changed it meanwhile")
	}
	return nil
}

// stillIn asks, after the rename, whether the letter in the name is true.
func (s *swap) stillIn(ctx context.Context, m *move) error {
	now, err := s.inspect(ctx, s.t.hold.names[m.old.ID])
	if err != nil {
		return err
	}
	if letterOf(now.State) != m.was {
		return errors.New("its state changed meanwhile")
	}
	return nil
}

// architecture is a platform without its variant: images for the same one spell
// that in many ways, and the pull, which was told it, has chosen well.
func architecture(platform string) string {
	parts := strings.SplitN(platform, "/", 3)
	return strings.Join(parts[:min(len(parts), 2)], "/")
}

func precondition(format string, args ...any) error {
	return errclass.With(errdefs.ErrFailedPrecondition, fmt.Errorf(format, args...))
}

// short12 shortens an image ID for people.
func short12(imageID string) string { return short(strings.TrimPrefix(imageID, "sha256:")) }
