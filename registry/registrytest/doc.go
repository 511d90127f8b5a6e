// Package registrytest has a registry in memory, for tests of what asks
// registries: one that behaves as a vendor's does, or misbehaves as some do, and
// keeps a list of what it was asked.
//
//	hub := registrytest.New(registrytest.DockerHub())
//	defer hub.Close()
//	hub.Push("library/nginx", "1", registrytest.Image{})
//
//	client, err := registry.New(registry.WithTransport(registrytest.Transport(hub)))
//	...
//	client.Check(ctx, []registry.Query{{Reference: "docker.io/library/nginx:1"}})
//	fmt.Println(hub.Requests().Counts()) // 1 token, 2 head
//
// New makes one that no network leads to: Transport carries requests to it by
// the name it has in life, so that references, realms and redirects are those of
// the real one. Time is the process's clock, and nothing waits on anything but
// channels, so that testing/synctest drives it: an hour's limit or a token's
// death costs a test nothing. Start and StartTLS listen on the loopback, for
// programs and engines that dial by themselves.
//
// A Profile says how a registry behaves. Vendors has those of well-known ones,
// as far as it is known what they do; Quirks has what single registries were
// seen to do, one to a profile. The zero Profile asks for nothing and does all
// as the specification says. A Fault spoils single answers.
//
// Everybody may read everything until SetLogin, SetIdentityToken or SetAccess
// says otherwise. Content is pushed by Go calls, not over HTTP: images, indexes
// with attestations, and any other manifest, which is how signatures and other
// referrers come in.
package registrytest
