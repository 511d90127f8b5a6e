package notify

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// limited is the wait for a service that has had too much and does not say for how
	// long, or whose library does not pass it on: the limits of Slack, Telegram and
	// Discord are by the minute at most.
	limited = time.Minute
	// mostPatient bounds what a service may ask for.
	mostPatient = time.Hour
	// discordTimeout bounds one post to Discord, within a try.
	discordTimeout = 10 * time.Second
)

// refusal is the answer of a service that says when it may be asked again.
type refusal struct {
	error
	after time.Duration
}

func (r refusal) Unwrap() error { return r.error }

// patience is how long the service of this error wants to be left alone; zero: it does
// not say.
func patience(err error) time.Duration {
	var r refusal
	switch {
	case err == nil:
		return 0
	case errors.As(err, &r):
		return min(r.after, mostPatient)
	}
	if tooMuch.MatchString(err.Error()) {
		return limited
	}
	return 0
}

var tooMuch = regexp.MustCompile(`(?i)\b429\b|too many requests|rate.?limit`)

// retryAfter reads the header, seconds or a date.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil && seconds > 0 {
		return time.Duration(min(seconds, mostPatient.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// onePost is what Discord's service posts with, instead of its own tries, which take up
// to five minutes, beside ours: the first answer is the only one.
type onePost struct {
	client *http.Client
	failed error
}

func (o *onePost) Do(request *http.Request) (*http.Response, error) {
	if o.failed != nil {
		return nil, o.failed
	}
	answer, err := o.client.Do(request)
	if err == nil && (answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode >= http.StatusInternalServerError) {
		_ = answer.Body.Close()
		err = refusal{fmt.Errorf("unexpected answer: %s", answer.Status), retryAfter(answer.Header.Get("Retry-After"), time.Now())}
	}
	if err != nil {
		o.failed = err
		return nil, err
	}
	return answer, nil
}

// Sleep does not: between these tries there is nothing to wait for.
func (o *onePost) Sleep(time.Duration) {}
