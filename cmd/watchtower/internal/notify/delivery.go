package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// queueLength is how many messages a service may be behind. A pass makes one, or
	// where they are split one for each container that something happened to.
	queueLength = 256
	// tries, and the wait before the second, which grows fourfold each time: 2, 8 and
	// 32 seconds get over a restart of the service.
	tries      = 4
	firstWait  = 2 * time.Second
	waitGrowth = 4
	// lastWait is the wait once the program ends.
	lastWait = time.Second
	// tryTimeout is what one try may take. shoutrrr's own services give up after ten
	// seconds, if they ever do.
	tryTimeout = 30 * time.Second
	// mostHanging is how many tries without an answer are left behind, since nothing
	// can end them, before the service is not tried any more until one of them ends.
	mostHanging = 4
)

// message is what is sent.
type message struct{ title, text string }

// sender brings messages to one service, in order, at its own pace.
type sender struct {
	name   string
	send   func(message) error
	delay  time.Duration // before each
	room   room          // in each
	logger *slog.Logger

	queue   chan message
	hanging chan struct{}
	ending  chan struct{} // closed when the program ends
	done    chan struct{} // closed when everything was tried
	begin   sync.Once
}

func newSender(name string, send func(message) error, delay time.Duration, logger *slog.Logger) *sender {
	return &sender{
		name: name, send: send, delay: delay, logger: logger,
		queue: make(chan message, queueLength), hanging: make(chan struct{}, mostHanging),
		ending: make(chan struct{}), done: make(chan struct{}),
	}
}

// put never waits. What the service has no room for in one message becomes several.
func (s *sender) put(m message) {
	s.begin.Do(func() { go s.work() })
	for _, text := range s.room.fit(m.text) {
		select {
		case s.queue <- message{title: m.title, text: text}:
		default:
			s.logger.Error("a notification is lost: the service is too far behind", "service", s.name, "behind", queueLength)
		}
	}
}

func (s *sender) work() {
	defer close(s.done)
	for m := range s.queue {
		s.wait(s.delay)
		s.deliver(m)
	}
}

// deliver tries until it succeeds or there is no more point in it.
func (s *sender) deliver(m message) {
	wait := firstWait
	for try := 1; ; try++ {
		err := s.try(m)
		if err == nil {
			return
		}
		if try == tries {
			s.logger.Error("a notification could not be delivered", "service", s.name, "tries", try, "err", err)
			return
		}
		s.logger.Debug("a notification is tried again", "service", s.name, "err", err)
		if !s.wait(wait) {
			time.Sleep(lastWait)
		}
		wait *= waitGrowth
	}
}

// wait is cut short, and tells so, by the end of the program.
func (s *sender) wait(d time.Duration) bool {
	select {
	case <-s.ending:
		return false
	default:
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

// try gives up on what takes too long, and leaves it behind: shoutrrr's calls cannot be
// ended from outside.
func (s *sender) try(m message) error {
	select {
	case s.hanging <- struct{}{}:
	default:
		return fmt.Errorf("%d earlier tries still have no answer", mostHanging)
	}
	answer := make(chan error, 1)
	go func() {
		defer func() { <-s.hanging }()
		answer <- contained(func() error { return s.send(m) })
	}()
	timeout := time.NewTimer(tryTimeout)
	defer timeout.Stop()
	select {
	case err := <-answer:
		return err
	case <-timeout.C:
		return fmt.Errorf("no answer within %v", tryTimeout)
	}
}

// contained makes an error of a panic in a library, whose text might hold anything.
func contained(do func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the service's library panicked")
		}
	}()
	return do()
}

// end tries what is left, without delays, until ctx ends. Nothing is put after it.
func (s *sender) end(ctx context.Context) {
	s.begin.Do(func() { close(s.done) })
	close(s.ending)
	close(s.queue)
	select {
	case <-s.done:
	case <-ctx.Done():
		s.logger.Error("the program ends before all notifications are delivered", "service", s.name, "waiting", len(s.queue)+1)
	}
}
