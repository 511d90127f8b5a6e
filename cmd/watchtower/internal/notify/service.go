package notify

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/discord"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/matrix"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/telegram"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/email/smtp"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/gotify"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"

	"github.com/watchtower-go/watchtower/credentials"
)

// Service is where to send.
type Service struct {
	// Setting is who asks for it, for errors: "WATCHTOWER_NOTIFICATION_URL".
	Setting string
	// URL is one of shoutrrr's. It holds the service's secrets.
	URL credentials.Secret
}

// localScheme is that of what is no service but our own log.
const localScheme = "logger"

// endpoint is a service as messages are handed to it.
type endpoint struct {
	scheme string
	url    credentials.Secret
	redact func(string) string
	out    types.StdLogger // what logger:// writes to
	room   room
	to     []string // the receivers, of a service that sends to one after the other
}

// parse tells early of a URL that could never be sent to. Its error has no part of the
// URL but the name of the service.
func parse(s Service, out types.StdLogger) (endpoint, error) {
	u, err := url.Parse(s.URL.Reveal())
	if err != nil || u.Scheme == "" {
		return endpoint{}, errors.New("not a URL with a scheme")
	}
	name, _, _ := strings.Cut(u.Scheme, "+")
	e := endpoint{scheme: name, url: s.URL, redact: redactor(u), out: out}
	switch name {
	case "mqtt", "mqtts", "twilio":
		return endpoint{}, fmt.Errorf("%s is not in the shoutrrr of this release, v0.13.2", name)
	}
	if err := contained(func() error { return e.prove(u) }); err != nil {
		return endpoint{}, fmt.Errorf("%s: %s", name, e.redact(err.Error()))
	}
	return e, nil
}

// prove finds out, without asking anybody, what the first message would.
func (e *endpoint) prove(u *url.URL) error {
	if e.scheme == matrix.Scheme {
		// It logs in as it is opened, and a server that is down is no fault of the URL.
		return (&matrix.Config{}).SetURL(u)
	}
	service, err := e.open()
	if err != nil {
		return err
	}
	if g, ok := service.(*gotify.Service); ok && !(&gotify.DefaultValidator{}).ValidateToken(g.Config.Token) {
		return fmt.Errorf("want the token of an application: %d characters, the first an A", gotify.TokenLength)
	}
	e.room = roomOf(e.scheme, service)
	if to := receiversOf(service); to != nil {
		e.to = *to
	}
	return nil
}

// open makes a service of its own for each message: some of shoutrrr's change
// themselves while they send, and one that hangs may still be at it.
func (e endpoint) open() (types.Service, error) {
	u, err := url.Parse(e.url.Reveal())
	if err != nil {
		return nil, err
	}
	service, err := (&router.ServiceRouter{}).NewService(e.scheme)
	if err != nil {
		return nil, err
	}
	if u.Scheme != e.scheme {
		custom, ok := service.(types.CustomURLService)
		if !ok {
			return nil, fmt.Errorf("there is no %s+", e.scheme)
		}
		if u, err = custom.GetConfigURLFromCustom(u); err != nil {
			return nil, err
		}
	}
	// What services say of themselves may hold what the server answered, and that a
	// secret: it goes nowhere.
	var out types.StdLogger
	if e.scheme == localScheme {
		out = e.out
	}
	if err = service.Initialize(u, out); err != nil {
		return nil, err
	}
	if to := receiversOf(service); to != nil && len(e.to) > 0 {
		*to = e.to
	}
	if d, ok := service.(*discord.Service); ok {
		once := &onePost{client: &http.Client{Timeout: discordTimeout}}
		d.HTTPClient, d.Sleeper = once, once
	}
	if g, ok := service.(*gotify.Service); ok {
		g.Config.Path = strings.TrimRight(g.Config.Path, "/") // it would ask for /sub//message
	}
	return service, nil
}

// send hands over one message. Its errors have no secret.
func (e endpoint) send(m message) error {
	service, err := e.open()
	if err == nil {
		err = e.sendBy(service, m)
	}
	if err != nil {
		return refusal{errors.New(e.redact(err.Error())), patience(err)}
	}
	return nil
}

func (e endpoint) sendBy(service types.Service, m message) error {
	if t, ok := service.(*telegram.Service); ok {
		return sendTelegram(t.GetConfig(), m)
	}
	params := types.Params{}
	switch {
	case m.title == "" || e.scheme == localScheme:
	case e.scheme == smtp.Scheme:
		params.SetTitle(mime.QEncoding.Encode("utf-8", m.title)) // it becomes a header as it is
	default:
		params.SetTitle(m.title)
	}
	err := service.Send(m.text, &params)
	if e.scheme == smtp.Scheme && taken(err) {
		return nil
	}
	return err
}
