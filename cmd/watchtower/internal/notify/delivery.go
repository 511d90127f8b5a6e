package notify

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	// mostWaiting and mostWaitingText are how many messages, and bytes of them, a service
	// may be behind. A pass makes one, or where they are split one for each container
	// that something happened to.
	mostWaiting     = 1000
	mostWaitingText = 2 << 20
	// tries, and the wait before the second, which grows fourfold each time: 2, 8 and
	// 32 seconds get over a restart of the service.
	tries      = 4
	firstWait  = 2 * time.Second
	waitGrowth = 4
	// slowWait is the wait after these, which doubles each time up to slowest; a message
	// that is older than tooOld is given up: three days get over a weekend.
	slowWait      = 5 * time.Minute
	mostDoublings = 6 // no more are needed
	slowest       = 4 * time.Hour
	tooOld        = 3 * 24 * time.Hour
	// lastWait is the wait once the program ends.
	lastWait = time.Second
)

// message is what is sent.
type message struct {
	title, text string
	fleeting    bool // of no use to anybody later
}

// sender brings messages to one service, in order, at its own pace. What the service
// refuses waits, and those that come after it go before it only if they are taken.
type sender struct {
	name   string
	send   func(message) error
	delay  time.Duration // before each
	room   room          // in each
	logger *slog.Logger
	box    *outbox

	notBefore time.Time // as the service asked
	hanging   chan struct{}
	wake      chan struct{}
	ending    chan struct{} // closed when the program ends
	done      chan struct{} // closed when everything was tried
	begin     sync.Once
}

func newSender(name string, send func(message) error, delay time.Duration, logger *slog.Logger) *sender {
	warn := func(err error) {
		logger.Warn("a notification may be lost at the end of the program, or come twice", "service", name, "err", err)
	}
	return &sender{
		name: name, send: send, delay: delay, logger: logger, box: &outbox{mine: map[string]parcel{}, warn: warn},
		hanging: make(chan struct{}, mostHanging), wake: make(chan struct{}, 1),
		ending: make(chan struct{}), done: make(chan struct{}),
	}
}

// keep has what is not delivered kept in a file, and begins with what is there already.
func (s *sender) keep(dir, name string) error {
	if err := s.box.open(dir, name); err != nil {
		return err
	}
	if s.box.any() {
		s.begin.Do(func() { go s.work() })
	}
	return nil
}

// put never waits. What the service has no room for in one message becomes several.
func (s *sender) put(messages ...message) {
	var parcels []parcel
	for _, m := range messages {
		for _, text := range s.room.fit(m.text) {
			parcels = append(parcels, parcel{Title: m.title, Text: text, At: time.Now(), fleeting: m.fleeting})
		}
	}
	if lost := s.box.add(parcels); len(lost) > 0 {
		s.logger.Error("a notification is lost: the service is too far behind", "service", s.name, "lost", len(lost), "text", inShort(lost))
	}
	s.begin.Do(func() { go s.work() })
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *sender) work() {
	defer close(s.done)
	for {
		last := s.ends()
		s.box.adopt()
		s.round(last)
		if last {
			return
		}
		timer := time.NewTimer(s.box.next())
		select {
		case <-s.wake:
		case <-timer.C:
		case <-s.ending:
		}
		timer.Stop()
	}
}

// round tries what is due, or at the end of the program all there is. Along with what is
// new all else is due: it is older. Once the service refuses something again, the rest
// of what it refused can wait.
func (s *sender) round(last bool) {
	keys, fresh := s.box.keys()
	refusing := false
	for _, key := range keys {
		p, here := s.box.get(key)
		again, due := p.Refused > 0, fresh || last || !p.Next.After(time.Now())
		switch {
		case !here || !due:
		case again && refusing:
			if soon := time.Now().Add(slowWait); soon.After(p.Next) {
				p.Next = soon
				s.box.put(key, p)
			}
		default:
			done := s.deliver(key, last)
			refusing = refusing || again && !done
		}
	}
}

// deliver tries a few times in a row what is new, else once, and tells whether there is
// no more to do for it.
func (s *sender) deliver(key string, last bool) (done bool) {
	var p parcel
	var err error
	wait := max(s.delay, time.Until(s.notBefore))
	for try, next := 1, firstWait; ; try, next = try+1, next*waitGrowth {
		if !s.wait(wait) && try > 1 {
			time.Sleep(lastWait)
		}
		var here bool
		if p, here = s.box.take(key); !here {
			return true
		}
		if err = s.try(key, p); err == nil {
			break
		}
		if p.Refused > 0 || try == tries {
			return s.refused(key, p, err, last)
		}
		s.logger.Debug("a notification is tried again", "service", s.name, "err", err)
		wait = max(next, time.Until(s.notBefore))
	}
	if p.Refused > 0 {
		s.logger.Info("a notification was delivered late", "service", s.name, "after", time.Since(p.At).Round(time.Second))
	}
	return true
}

// refused has the parcel wait, if it is not too old.
func (s *sender) refused(key string, p parcel, err error, last bool) (done bool) {
	if age := time.Since(p.At).Round(time.Second); age > tooOld {
		s.logger.Error("a notification is lost: it is tried no more", "service", s.name, "after", age, "err", err, "text", inShort([]parcel{p}))
		s.box.remove(key)
		return true
	}
	again := max(min(slowWait<<min(p.Refused, mostDoublings), slowest), time.Until(s.notBefore)).Round(time.Second)
	switch {
	case p.Refused > 0:
		s.logger.Debug("a notification is tried again", "service", s.name, "err", err)
	case last: // what becomes of it is told at the end
		s.logger.Error("a notification could not be delivered", "service", s.name, "tries", tries, "err", err)
	default:
		s.logger.Error("a notification could not be delivered", "service", s.name, "tries", tries, "err", err, "again_in", again)
	}
	p.Refused++
	p.Next = time.Now().Add(again)
	s.box.put(key, p)
	return false
}

// wait is cut short, and tells so, by the end of the program.
func (s *sender) wait(d time.Duration) bool {
	if s.ends() {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ending:
		return true // the wait was begun in earnest: now is the time
	}
}

func (s *sender) ends() bool {
	select {
	case <-s.ending:
		return true
	default:
		return false
	}
}

// end tries what is left, without delays, until ctx ends. Nothing is put after it.
func (s *sender) end(ctx context.Context) {
	s.begin.Do(func() { close(s.done) })
	close(s.ending)
	select {
	case <-s.done:
	case <-ctx.Done():
	}
	left, lost := s.box.release()
	if len(left) > 0 {
		s.logger.Warn("the program ends before all notifications are delivered: the next start goes on", "service", s.name, "waiting", len(left))
	}
	if len(lost) > 0 {
		s.logger.Error("the program ends before all notifications are delivered", "service", s.name, "lost", len(lost), "text", inShort(lost))
	}
}

// inShort is how some messages begin, for a log.
func inShort(parcels []parcel) string {
	const most, long = 3, 120
	var out []string
	for _, p := range parcels[:min(len(parcels), most)] {
		line, _, more := strings.Cut(strings.TrimSpace(p.Text), "\n")
		if len(line) > long || more {
			line = head(line, long) + "…"
		}
		out = append(out, line)
	}
	if n := len(parcels) - most; n > 0 {
		out = append(out, fmt.Sprintf("%d more", n))
	}
	return strings.Join(out, "; ")
}
