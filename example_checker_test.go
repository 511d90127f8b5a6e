package watchtower_test

import (
	"context"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/gate/cosign"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/enginetest"
	"github.com/watchtower-go/watchtower/registry"
)

// A client of one's own serves the Tower and a gate: with one set of connections,
// tokens and limits.
func ExampleWithChecker() {
	cosignPub := []byte(`-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
`)
	engine := enginetest.New()
	engine.Publish("app:1", enginetest.Image{})
	engine.Run("web", "app:1", lifecycle.Spec{})
	engine.Publish("app:1", enginetest.Image{Env: []string{"VERSION=2"}})

	logins := credentials.Static(nil) // for what is asked by the client, and for pulls
	client, err := registry.New(registry.WithCredentials(logins), registry.WithTransport(engine.Transport()))
	if err != nil {
		panic(err)
	}
	signed, err := cosign.SignedBy(client, [][]byte{cosignPub})
	if err != nil {
		panic(err)
	}
	tower, err := watchtower.New(watchtower.WithEngine(engine), watchtower.WithCredentials(logins),
		watchtower.WithChecker(client), watchtower.WithGate(signed))
	if err != nil {
		panic(err)
	}
	show(context.Background(), tower)
	// Output: web is held not signed
}
