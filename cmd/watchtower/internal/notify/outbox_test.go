package notify

import (
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const kept = "undelivered-test-1.json"

// process is a sender that keeps what is not delivered in the directory.
func process(t *testing.T, dir string, answer func(try int) error) (*sender, *service, *buffer) {
	t.Helper()
	s, to, logged := made(0, answer)
	require.NoError(t, s.keep(dir, kept))
	return s, to, logged
}

func refuse(int) error { return errDown }

func TestTheNextProcessDeliversWhatIsLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, to, logged := process(t, dir, refuse)
		s.put(message{title: "title", text: "a"}, message{text: "b"}, message{text: "it begins", fleeting: true})
		later(time.Hour)
		end(t, s, 5*time.Second)
		assert.Empty(t, to.received())
		assert.Contains(t, logged.String(), `level=WARN msg="the program ends before all notifications are delivered: the next start goes on" service=test waiting=2`)
		assert.Contains(t, logged.String(), `level=ERROR msg="the program ends before all notifications are delivered" service=test lost=1 text="it begins"`)

		s, to, logged = process(t, dir, fine)
		later(0)
		assert.Equal(t, []message{{title: "title", text: "a"}, {text: "b"}}, to.received(), "without anything new")
		end(t, s, time.Second)
		assert.NotContains(t, logged.String(), "ERROR")

		s, to, _ = process(t, dir, fine)
		later(24 * time.Hour)
		end(t, s, time.Second)
		assert.Empty(t, to.received(), "once")
	})
}

// A process that was killed has told nobody that it ends: the next waits a while.
func TestWhatACrashCutsShortIsDelivered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		killed, _, _ := made(0, fine)
		require.NoError(t, killed.box.open(dir, kept))
		killed.box.add([]parcel{{Text: "a", At: time.Now()}, {Text: "b", At: time.Now()}})

		s, to, _ := process(t, dir, fine)
		s.put(message{text: "c"})
		later(leased - time.Second)
		assert.Equal(t, []message{{text: "c"}}, to.received(), "it may be alive")
		later(time.Minute)
		assert.Equal(t, []message{{text: "c"}, {text: "a"}, {text: "b"}}, to.received())
		end(t, s, time.Second)
	})
}

// Processes that share a directory may do each other's work, and do no part of it twice.
func TestAParcelIsOneProcesssAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var boxes [2]*outbox
		for i := range boxes {
			s, _, _ := made(0, fine)
			boxes[i] = s.box
			require.NoError(t, s.box.open(dir, kept))
		}
		one, two := boxes[0], boxes[1]
		one.add([]parcel{{Text: "a", At: time.Now()}, {Text: "b", At: time.Now()}})
		keys, _ := one.keys()
		later(leased - time.Second)
		_, ok := one.take(keys[0])
		require.True(t, ok)
		later(time.Second)
		two.adopt()
		others, _ := two.keys()
		assert.Equal(t, keys[1:], others, "the first was tried just now")
		_, ok = one.take(keys[1])
		assert.False(t, ok, "it is the other's")
		p, ok := two.take(keys[1])
		assert.True(t, ok)
		p.Refused++
		two.put(keys[1], p)
		two.release()
		one.adopt()
		p, ok = one.take(keys[1])
		assert.True(t, ok, "it was left")
		assert.Equal(t, 1, p.Refused)
		one.remove(keys[0])
		one.remove(keys[1])
		assert.False(t, two.any())
	})
}

// An answer that comes after its time counts: what was taken is not sent again.
func TestWhatIsTakenLateIsNotSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := newSender("test", func(message) error {
			calls++
			time.Sleep(tryTimeout + time.Second) //nolint:forbidigo // the bubble's time
			return nil
		}, 0, slog.New(slog.DiscardHandler))
		s.put(message{text: "a"})
		later(24 * time.Hour)
		assert.Equal(t, 1, calls)
		end(t, s, time.Second)
	})
}

// A directory that cannot be written any more costs no message.
func TestAFullDiskLosesNothingWhileTheProgramRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, to, logged := process(t, dir, func(try int) error {
			if try < 6 {
				return errDown
			}
			return nil
		})
		require.NoError(t, os.RemoveAll(dir))
		s.put(message{text: "a"})
		later(time.Hour)
		assert.Equal(t, []message{{text: "a"}}, to.received())
		assert.Contains(t, logged.String(), `msg="a notification may be lost at the end of the program, or come twice" service=test`)
		end(t, s, time.Second)
	})
}

func TestADirectoryThatCannotBeUsedIsAnError(t *testing.T) {
	t.Parallel()
	s, _, _ := made(0, fine)
	require.ErrorContains(t, s.keep("/nowhere", "file.json"), "want a directory that is there")
}
