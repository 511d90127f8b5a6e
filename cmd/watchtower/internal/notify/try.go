package notify

import (
	"errors"
	"fmt"
	"time"
)

const (
	// tryTimeout is what one try may take. shoutrrr's own services give up after ten
	// seconds, if they ever do.
	tryTimeout = 30 * time.Second
	// mostHanging is how many tries without an answer are left behind, since nothing
	// can end them, before the service is not tried any more until one of them ends.
	mostHanging = 4
)

// try gives up on what takes too long, and leaves it behind: shoutrrr's calls cannot be
// ended from outside. What is taken is removed, be it ever so late.
func (s *sender) try(key string, p parcel) error {
	select {
	case s.hanging <- struct{}{}:
	default:
		return fmt.Errorf("%d earlier tries still have no answer", mostHanging)
	}
	answer := make(chan error, 1)
	go func() {
		defer func() { <-s.hanging }()
		err := contained(func() error { return s.send(message{title: p.Title, text: p.Text}) })
		if err == nil {
			s.box.remove(key)
		}
		answer <- err
	}()
	timeout := time.NewTimer(tryTimeout)
	defer timeout.Stop()
	select {
	case err := <-answer:
		if wait := patience(err); wait > 0 {
			s.notBefore = time.Now().Add(wait)
		}
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
