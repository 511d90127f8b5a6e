package notify

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// service is one whose answers are given.
type service struct {
	answer func(try int) error
	tries  atomic.Int32
	mu     sync.Mutex
	got    []message
	times  []time.Duration
	began  time.Time
}

func (s *service) send(m message) error {
	try := int(s.tries.Add(1))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times = append(s.times, time.Since(s.began))
	if err := s.answer(try); err != nil {
		return err
	}
	s.got = append(s.got, m)
	return nil
}

// received is what was taken until now.
func (s *service) received() []message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// buffer may be read while it is written to.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// made is a sender to a service that answers so. It is made in the bubble it is used in.
func made(delay time.Duration, answer func(try int) error) (*sender, *service, *buffer) {
	var logged buffer
	s := &service{answer: answer, began: time.Now()}
	return newSender("test", s.send, delay, slog.New(slog.NewTextHandler(&logged, nil))), s, &logged
}

// later lets so much of the bubble's time go by, and everything happen that is due.
func later(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // the bubble's time
	synctest.Wait()
}

func end(t *testing.T, s *sender, within time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	s.end(ctx)
}

func fine(int) error { return nil }

var errDown = errors.New("down")

func TestADeliveryIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, to, logged := made(0, func(try int) error {
			if try < 3 {
				return errDown
			}
			return nil
		})
		s.put(message{text: "a"})
		s.put(message{text: "b"})
		later(time.Minute)
		assert.Equal(t, []message{{text: "a"}, {text: "b"}}, to.got, "in order")
		assert.Equal(t, []time.Duration{0, 2 * time.Second, 10 * time.Second, 10 * time.Second}, to.times)
		assert.Empty(t, logged.String())
		end(t, s, time.Minute)
	})
}

// Who is down for hours gets what it missed, in order, and is not asked all the time.
func TestAServiceThatIsDownForLongIsToldLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := true
		s, to, logged := made(0, func(int) error {
			if down {
				return errDown
			}
			return nil
		})
		s.put(message{text: "failed"})
		later(time.Minute)
		assert.Contains(t, logged.String(), `msg="a notification could not be delivered" service=test tries=4 err=down again_in=5m0s`)
		s.put(message{text: "failed, too"})
		later(3 * time.Hour)
		assert.Less(t, len(to.times), 20)
		down = false
		s.put(message{text: "well again"})
		later(time.Second)
		assert.Equal(t, []message{{text: "failed"}, {text: "failed, too"}, {text: "well again"}}, to.got)
		assert.Contains(t, logged.String(), `msg="a notification was delivered late" service=test after=3h1m`)
		later(24 * time.Hour)
		assert.Len(t, to.got, 3)
		end(t, s, time.Minute)
	})
}

// What a service refuses, whatever the rest, holds up nothing else, and is given up in the
// end, in words that tell what is lost.
func TestAMessageThatIsRefusedHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logged buffer
		var got []string
		s := newSender("test", func(m message) error {
			if strings.HasPrefix(m.text, "bad") {
				return errDown
			}
			got = append(got, m.text)
			return nil
		}, 0, slog.New(slog.NewTextHandler(&logged, nil)))
		s.put(message{text: "bad news\nof many lines"}, message{text: "a"}, message{text: "b"})
		later(time.Hour)
		s.put(message{text: "c"})
		later(time.Hour)
		assert.Equal(t, []string{"a", "b", "c"}, got)
		assert.NotContains(t, logged.String(), "lost")
		later(tooOld + slowest)
		assert.Contains(t, logged.String(), `msg="a notification is lost: it is tried no more" service=test`)
		assert.Contains(t, logged.String(), `err=down text="bad news…"`)
		tries := logged.String()
		later(10 * slowest)
		assert.Equal(t, tries, logged.String())
		end(t, s, time.Minute)
	})
}

func TestAPanicOfAServiceIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _, logged := made(0, func(int) error { panic("canary") })

		s.put(message{text: "a"})
		later(time.Hour)
		assert.Contains(t, logged.String(), "panicked")
		assert.NotContains(t, logged.String(), "canary")
		end(t, s, time.Minute)
	})
}

// What hangs is left behind, but not without end.
func TestAServiceThatHangsHoldsUpNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var logged buffer
		var tries atomic.Int32
		s := newSender("test", func(message) error {
			tries.Add(1)
			<-release
			return nil
		}, 0, slog.New(slog.NewTextHandler(&logged, nil)))
		began := time.Now()
		for range 3 {
			s.put(slices.Repeat([]message{{text: "a"}}, mostWaiting)...)
		}
		assert.Zero(t, time.Since(began), "whoever tells something does not wait")
		assert.Contains(t, logged.String(), "a notification is lost: the service is too far behind")
		later(3 * time.Minute)
		assert.Contains(t, logged.String(), `err="no answer within 30s"`)
		later(time.Hour)
		assert.EqualValues(t, mostHanging, tries.Load())
		assert.Contains(t, logged.String(), `err="4 earlier tries still have no answer"`)
		began = time.Now()
		end(t, s, 5*time.Second)
		assert.LessOrEqual(t, time.Since(began), 5*time.Second)
		assert.Contains(t, logged.String(), `msg="the program ends before all notifications are delivered" service=test lost=1000 text="a; a; a; 997 more"`)
		close(release)
		<-s.done
	})
}

func TestTheEndOfTheProgramDeliversWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, to, logged := made(time.Hour, fine)

		for range 10 {
			s.put(message{text: "a"})
		}
		synctest.Wait()
		assert.Empty(t, to.got, "there is a delay before each")
		end(t, s, time.Second)
		assert.Len(t, to.got, 10)
		assert.Zero(t, time.Since(to.began))
		assert.Empty(t, logged.String())
	})
	synctest.Test(t, func(t *testing.T) {
		s, to, _ := made(0, func(try int) error {
			if try < 3 {
				return errDown
			}
			return nil
		})
		s.put(message{text: "a"})
		synctest.Wait()
		end(t, s, 5*time.Second)
		require.Len(t, to.got, 1)
		assert.Equal(t, []time.Duration{0, 0, time.Second}, to.times, "without the long waits")
	})
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := made(0, fine)
		end(t, s, time.Second)
	})
}

func TestMessagesKeepTheirDistance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, to, _ := made(30*time.Second, fine)

		s.put(message{text: "a"})
		s.put(message{text: "b"})
		later(time.Hour)
		assert.Equal(t, []time.Duration{30 * time.Second, time.Minute}, to.times)
		end(t, s, time.Second)
	})
}
