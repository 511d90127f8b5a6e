// Package cosign is a gate that lets only images move that a key has signed, in the
// two formats that cosign writes for key pairs: "simple signing", a small document
// that names the image's digest, and a signature over it; and, by default since
// cosign 3, a sigstore bundle with a statement that the image was signed.
//
//	signed, err := cosign.SignedBy(client, [][]byte{pem}) // client: a registry.Client
//	...
//	watchtower.New(watchtower.WithChecker(client), watchtower.WithGate(signed))
//
// Signatures are looked for where cosign puts them: under the tag sha256-….sig of
// the image's repository, and among the referrers of its manifest. What is signed
// is the digest that was judged, and what was judged is what is run, so that no tag
// that moves in between brings anything else.
//
// # What a signature says
//
// A key says yes to an image, not to its being the newest, nor the one that belongs
// under a tag: whoever may push to the repository can let a tag point back at an
// older image that was signed, with the holes it had, and it passes. Nor does it say
// for which repository, unless WithSameRepository asks: with one key for many, an
// image of one passes in another. A key for each repository is the surer way.
//
// The signature alone decides. An entry in a transparency log is neither needed nor
// looked at: it proves when a key was used, which matters for keys that live for
// minutes. Of what a bundle can hold, only the statement that cosign's sign makes
// counts; an attestation by the same key, of how an image was built or what is in
// it, is no consent to run it. Signatures without a key ("keyless") are not
// verified.
package cosign
