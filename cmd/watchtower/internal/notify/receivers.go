package notify

import (
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/telegram"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/email/smtp"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// each is an endpoint for every receiver: what is tried again for one of them does not
// reach the others once more.
func (e endpoint) each() []endpoint {
	if len(e.to) == 0 {
		return []endpoint{e}
	}
	out := make([]endpoint, len(e.to))
	for i := range e.to {
		out[i] = e
		out[i].to = e.to[i : i+1]
	}
	return out
}

// receiversOf is where the service has them; nil if it does not send to one after the
// other.
func receiversOf(service types.Service) *[]string {
	switch s := service.(type) {
	case *smtp.Service:
		return &s.Config.ToAddresses
	case *telegram.Service:
		return &s.Config.Chats
	default:
		return nil
	}
}

// taken tells of a mail whether the server has it, and only hung up without a word:
// once more it would come twice. shoutrrr says so in its errors' texts alone.
func taken(err error) bool {
	if err == nil {
		return true
	}
	text := err.Error()
	return strings.Contains(text, "error closing session") && !strings.Contains(text, "error sending message")
}
