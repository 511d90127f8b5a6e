package registry_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

// canary is in every secret there is.
const canary = "canary"

// logins are the ways in, right and wrong; nobody may get to see them.
func logins() map[string]credentials.Credential {
	return map[string]credentials.Credential{
		"login":          {Username: "robot", Password: credentials.NewSecret("canary-right")},
		"wrong login":    {Username: "robot", Password: credentials.NewSecret("canary-wrong")},
		"identity":       {IdentityToken: credentials.NewSecret("canary-identity")},
		"wrong identity": {IdentityToken: credentials.NewSecret("canary-old")},
		"registry token": {RegistryToken: credentials.NewSecret("canary-token")},
		"odd token":      {RegistryToken: credentials.NewSecret("canary\x00token")},
	}
}

// echo sends back what it was shown, as a careless proxy's page of errors does.
func echo(status int) registrytest.Fault {
	return func(w http.ResponseWriter, req *http.Request, _ http.HandlerFunc) {
		body, _ := io.ReadAll(req.Body)
		shown := req.Header.Get("Authorization") + string(body) + " canary"
		w.Header().Set("X-Shown", shown)
		w.Header().Set("WWW-Authenticate", `Bearer realm="https://robot:canary@registry.example/token?key=canary",error="`+shown+`"`)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"token":"`+shown+"\\u0000"+`","errors":[{"message":"`+shown+`"}]}`)
	}
}

// leaks are the faults whose errors could say too much.
func leaks() map[string]registrytest.Fault {
	signed := func(location string) registrytest.Fault {
		return registrytest.Status(http.StatusTemporaryRedirect, "Location", location)
	}
	return map[string]registrytest.Fault{
		"200": echo(200), "401": echo(401), "403": echo(403), "404": echo(404), "429": echo(429), "500": echo(500),
		"elsewhere": signed("https://robot:canary@storage.example/blob?signature=canary"),
		"in clear":  signed("http://robot:canary@registry.example/blob?signature=canary"),
		"no page":   signed("https://robot:canary@registry.example/blob?signature=canary"),
		"nowhere":   signed("https://robot:canary@[storage.example/blob?signature=canary"),
		"loop":      registrytest.RedirectLoop(), "reset": registrytest.Reset(), "hang": registrytest.Hang(),
		"truncate": registrytest.Truncate(), "huge": registrytest.Huge(200 << 10),
	}
}

// all is every form in which something can be printed.
func all(v any) string {
	text := fmt.Sprintf("%v %+v %#v %s %q", v, v, v, v, v)
	encoded, err := json.Marshal(v)
	return text + string(encoded) + fmt.Sprint(err)
}

// No secret, nor what is given for one, is ever told: not in an error, not in a
// verdict, not in the log at its finest.
func TestNoSecretIsTold(t *testing.T) { //nolint:gocognit // the loops of a table with four columns
	t.Parallel()
	var told bytes.Buffer
	finest := &slog.HandlerOptions{Level: slog.Level(math.MinInt)}
	logger := slog.New(slog.NewMultiHandler(slog.NewTextHandler(&told, finest), slog.NewJSONHandler(&told, finest)))
	checks := 0
	ask := func(t *testing.T, p registrytest.Profile, login credentials.Credential, fault registrytest.Fault, on registrytest.Kind) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			r := simulate(t, p)
			r.SetLogin("robot", "canary-right")
			r.SetIdentityToken("canary-identity")
			qs := anew(r, 2)
			r.SetFault(fault, on)
			login.Source = "a file"
			c := client(t, reach(r), storeOf(login, nil), registry.WithLogger(logger))
			for range 2 {
				for _, v := range c.Check(t.Context(), qs) {
					logger.Info("a verdict", "verdict", v, "error", v.Err)
					told.WriteString(all(v))
					for err := v.Err; err != nil; err = errors.Unwrap(err) {
						told.WriteString(all(err) + err.Error())
					}
					checks++
				}
				time.Sleep(time.Hour) //nolint:forbidigo // the bubble's time
			}
			if fault == nil { // what a registry itself says of a secret is kept
				told.WriteString(all(c))
			}
		})
	}
	for name, login := range logins() {
		for _, p := range append(registrytest.Vendors(), registrytest.Quirks()...) {
			t.Run(name+"/"+p.Name, func(t *testing.T) { ask(t, p, login, nil, registrytest.KindHead) })
		}
		for fault, f := range leaks() {
			for _, on := range []registrytest.Kind{registrytest.KindHead, registrytest.KindManifest, registrytest.KindToken} {
				t.Run(name+"/"+fault+"/"+string(on), func(t *testing.T) {
					ask(t, registrytest.Profile{Auth: registrytest.Bearer}, login, f, on)
					if on != registrytest.KindToken {
						ask(t, registrytest.Profile{Auth: registrytest.Basic}, login, f, on)
					}
				})
			}
		}
	}
	text := told.String()
	for _, secret := range secrets() {
		at := strings.Index(text, secret)
		assert.Negative(t, at, "%q in: %s", secret, around(text, at))
	}
	for _, wanted := range []string{"registry request", "/token", "refused a login", "a file", "403 Forbidden", "no answer within"} {
		assert.Contains(t, text, wanted, "or nothing is proven")
	}
	t.Logf("%d verdicts, %d bytes told: no secret", checks, told.Len())
}

// secrets are the canary itself, the tokens given for it, and both as basic
// authentication has them.
func secrets() []string {
	out := []string{canary, registrytest.TokenPrefix, "Basic ", "Bearer "}
	for _, login := range logins() {
		if login.Username != "" {
			out = append(out, base64.StdEncoding.EncodeToString([]byte(login.Username+":"+login.Password.Reveal())))
		}
	}
	return out
}

func around(text string, at int) string {
	return text[max(0, at-300):min(len(text), max(0, at)+100)]
}
