package redact_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/watchtower-go/watchtower/internal/redact"
)

func TestWhatIsShownOfAValue(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, login, url string }{
		{"", "", ""},
		{"web@1?x", "web@1?x", "web@1?x"},
		{"tcp://host:2375", "tcp://host:2375", "tcp://host:2375"},
		{"tcp://me:canary@host", "tcp://***@host", "tcp://***@host"},
		{"http://me:can@ry@[::1", "http://***@[::1", "http://***@[::1"},
		{"https://host/message?token=canary", "https://host/message?token=canary", "https://host/message?***"},
		{"https://me:canary?@host/?token=canary", "https://***@host/?token=canary", "https://***@host/?***"},
		{"https://host?token=canary@x", "https://***@x", "https://***@x"},
	} {
		assert.Equal(t, tt.login, redact.Login(tt.text), tt.text)
		assert.Equal(t, tt.url, redact.URL(tt.text), tt.text)
	}
}
