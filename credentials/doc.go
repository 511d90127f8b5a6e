// Package credentials finds the login for a registry.
//
// A Store is one method. FromEnv is the store people expect: what `docker login`
// left, wherever Docker's own tools would look for it, read again whenever it
// changes.
//
//	store, err := credentials.FromEnv()
//	...
//	login, err := store.Credential(ctx, "ghcr.io/org/app")
//
// File reads one config.json, Helper asks one credential helper, Static holds
// what a program knows by itself, and Chain asks several in turn. A registry
// without an entry gets the zero Credential: anonymous access.
//
// Passwords and tokens are Secrets, which print as *** whatever is done to them.
package credentials
