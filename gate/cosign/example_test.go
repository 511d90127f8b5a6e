package cosign_test

import (
	"context"
	"fmt"

	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/gate/cosign"
	"github.com/watchtower-go/watchtower/registry"
	"github.com/watchtower-go/watchtower/registry/registrytest"
)

const cosignPub = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
`

func ExampleSignedBy() {
	reg := registrytest.New(registrytest.Profile{})
	defer reg.Close()
	digest := reg.Push("team/app", "1", registrytest.Image{})
	client, err := registry.New(registry.WithTransport(registrytest.Transport(reg)))
	if err != nil {
		panic(err)
	}
	signed, err := cosign.SignedBy(client, [][]byte{[]byte(cosignPub)})
	if err != nil {
		panic(err)
	}
	d, err := signed.Judge(context.Background(), gate.Candidate{
		Reference: reg.Reference("team/app", "1"), Digest: digest.String(),
	})
	fmt.Println(d.Verdict, d.Reason, err)
	// Output: hold not signed <nil>
}

func ExampleWithSameRepository() {
	client, err := registry.New()
	if err != nil {
		panic(err)
	}
	signed, err := cosign.SignedBy(client, [][]byte{[]byte(cosignPub)}, cosign.WithSameRepository())
	fmt.Println(signed != nil, err)
	// Output: true <nil>
}
