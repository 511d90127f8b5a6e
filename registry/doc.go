// Package registry finds out what image references point at, for the price of
// as few requests as there can be.
//
// A Client answers Queries: all distinct references of a pass in one call.
//
//	client, err := registry.New(registry.WithCredentials(store))
//	...
//	verdicts := client.Check(ctx, []registry.Query{{Reference: "ghcr.io/org/app:1"}})
//
// A reference costs one HEAD. A registry that wants a token costs two requests
// more, the first time: one that is refused and tells where tokens are, and one
// for a token that is good for all the repositories asked about. What is
// learned of a registry is kept: how it wants to be asked, its tokens until they
// expire, and the content of what has moved.
//
// A check never pulls. A manifest is read only when a tag points at something
// unknown, to tell whether the content for the platform moved or only the index
// around it, or where a registry does not answer a HEAD as it should.
//
// # Where registries are
//
// Registries are asked over TLS, verified; those on the loopback are asked
// over plain HTTP first, as the engine does with them. What else an engine may be
// configured to is an option: WithCertificates and WithTLS say who vouches for a
// registry and what it is shown, WithInsecure who need not be vouched for, and
// WithMirrors where else Docker Hub's images are. SetEndpoints takes over what an
// engine tells of itself. None of it is for all registries at once. A credential
// goes to the registry it is for and to the token service that registry names, and
// to nobody else; a mirror has its own.
//
// # What registries can do
//
// A registry that is not there, hangs or ends in the middle costs its own
// references their answer, at most WithTimeout for each request and the context's
// time for all; it gets half of the requests there may be. One that answers 429 is
// asked again when it said, in a later Check. What it tells of its limits is in
// Quotas.
package registry
