package registrytest

import (
	"net/http"
	"strconv"
	"time"
)

// Quirks returns profiles with one oddity each that registries were seen to
// have. The fields of Profile tell what each means.
func Quirks() []Profile {
	quirks := []Profile{
		{Name: "no digest header", NoDigest: true},
		{Name: "manifests are elsewhere on the host", ManifestsAt: "/storage"},
		{Name: "access_token alone", Auth: Bearer, Answer: answerAccessToken},
		{Name: "token alone", Auth: Bearer, Answer: answerToken},
		{Name: "an expiry in quotes", Auth: Bearer, Answer: func(token string, expires time.Duration) string {
			return string(encode(object{"token": token, "expires_in": strconv.Itoa(int(expires / time.Second))}))
		}},
		{Name: "tokens that live 2 seconds", Auth: Bearer, Expires: 2 * time.Second},
		mixedCase(),
		{Name: "several schemes in one header", Auth: Bearer, TakesBasic: true, Challenges: func(c Challenge) []string {
			return []string{`Negotiate, Digest realm="a, \"b\"", qop="auth, auth-int", Basic realm="x", ` + c.bearer()}
		}},
		{Name: "several headers", Auth: Bearer, TakesBasic: true, Challenges: func(c Challenge) []string {
			return []string{`Basic realm="x"`, c.bearer()}
		}},
		{Name: "the realm has a query", Auth: Bearer, Realm: "https://registry.example/token?tenant=1&account=a%20b"},
		{Name: "the realm is on another host", Auth: Bearer, Realm: "https://auth.example/token"},
		{Name: "scopes with a prefix", Auth: Bearer, ScopePrefix: "tenant/"},
		{Name: "a batch of scopes is refused", Auth: Bearer, BatchStatus: http.StatusBadRequest},
		{Name: "a batch of scopes breaks it", Auth: Bearer, BatchStatus: http.StatusInternalServerError},
		{Name: "the first scope only", Auth: Bearer, FirstScopeOnly: true},
		{Name: "long tokens", Auth: Bearer, ScopeBytes: 2 << 10, HeaderLimit: 8 << 10},
		{Name: "a wrong login is forbidden", Auth: Bearer, LoginStatus: http.StatusForbidden},
		{Name: "what is private is not there", Auth: Bearer, Hides: true},
	}
	for _, status := range []int{
		http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented,
	} {
		quirks = append(quirks, Profile{Name: "HEAD is refused with " + strconv.Itoa(status), HeadStatus: status})
	}
	return quirks
}

func mixedCase() Profile {
	return Profile{
		Name: "mixed case", Auth: Bearer, Realm: "https://Registry.Example/Auth/Token", Service: "Registry, Example",
		Challenges: func(c Challenge) []string {
			return []string{`BEARER Realm="` + c.Realm + `", SERVICE="` + c.Service + `"`}
		},
	}
}
