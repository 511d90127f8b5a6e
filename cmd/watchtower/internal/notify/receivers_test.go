package notify_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// received is what a receiver got: the request's line and its body, or a mail's envelope
// and the whole of it.
type received struct{ at, body string }

// webReceiver takes POSTs and answers each with the status.
func webReceiver(t *testing.T, status int) (host string, got <-chan received) {
	t.Helper()
	all := make(chan received, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		all <- received{at: r.Method + " " + r.URL.String(), body: string(body)}
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"echo":%q}`, r.URL.String()+r.Header.Get("Authorization"))
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), all
}

// mailReceiver is an SMTP server without TLS, that accepts any login, and any receiver but
// those that are called nobody. It hangs up without a word on senders who are called rude.
func mailReceiver(t *testing.T) (host string, got <-chan received) {
	t.Helper()
	all := make(chan received, 100)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				takeMail(conn, all)
			}()
		}
	}()
	return l.Addr().String(), all
}

func takeMail(conn net.Conn, all chan<- received) {
	lines := bufio.NewScanner(conn)
	say := func(text string) { _, _ = io.WriteString(conn, text+"\r\n") }
	var envelope, mail []string
	rude := false
	say("220 here")
	for lines.Scan() {
		command, _, _ := strings.Cut(strings.ToUpper(lines.Text()), " ")
		rude = rude || strings.HasPrefix(lines.Text(), "MAIL FROM:<rude@")
		if strings.HasPrefix(lines.Text(), "RCPT TO:<nobody@") {
			say("550 no such user")
			continue
		}
		switch command {
		case "EHLO":
			say("250-here\r\n250 AUTH PLAIN")
		case "AUTH":
			envelope = append(envelope, "AUTH PLAIN")
			say("235 welcome")
		case "DATA":
			say("354 go on")
			mail = nil
			for lines.Scan() && lines.Text() != "." {
				mail = append(mail, lines.Text())
			}
			all <- received{at: strings.Join(envelope, " "), body: strings.Join(mail, "\n")}
			envelope = nil
			say("250 taken")
		case "QUIT":
			if !rude {
				say("221 bye")
			}
			return
		default:
			envelope = append(envelope, lines.Text())
			say("250 fine")
		}
	}
}
