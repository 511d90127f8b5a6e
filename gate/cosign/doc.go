// Package cosign is a gate that lets only images move that a key has signed, in the
// format that cosign writes for key pairs: "simple signing", a small document that
// names the image's digest, and a signature over it.
//
//	signed, err := cosign.SignedBy(client, pem) // client: a registry.Client
//	...
//	watchtower.WithGate(signed)
//
// Signatures are looked for where cosign puts them: under the tag sha256-….sig of
// the image's repository, and among the referrers of its manifest. What is signed
// is the digest that was judged, and what was judged is what is run, so that no tag
// that moves in between brings anything else.
package cosign
