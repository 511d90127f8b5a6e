package enginehost

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tokenServer is the token service of a registry, with a certificate made for
// the occasion.
type tokenServer struct {
	*httptest.Server
	certificatePEM []byte

	key         *ecdsa.PrivateKey
	certificate string

	mu             sync.Mutex
	user, password string
}

func newTokenServer(t testing.TB, user, password string) *tokenServer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tests"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	s := &tokenServer{
		key: key, user: user, password: password,
		certificate:    base64.StdEncoding.EncodeToString(der),
		certificatePEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
	}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s.serve(t, w, req)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *tokenServer) login(user, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user, s.password = user, password
}

// serve gives a token for the scopes that were asked; without the login one
// that is good for nothing.
func (s *tokenServer) serve(t testing.TB, w http.ResponseWriter, req *http.Request) {
	t.Helper()
	user, password, given := req.BasicAuth()
	s.mu.Lock()
	good := user == s.user && password == s.password
	s.mu.Unlock()
	if given && !good {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var access []Object
	for _, scope := range req.URL.Query()["scope"] {
		for one := range strings.FieldsSeq(scope) {
			parts := strings.Split(one, ":")
			if good && len(parts) == 3 {
				access = append(access, Object{"type": parts[0], "name": parts[1], "actions": strings.Split(parts[2], ",")})
			}
		}
	}
	_ = json.NewEncoder(w).Encode(Object{"token": s.sign(t, access), "expires_in": 300})
}

// token is one for ourselves.
func (s *tokenServer) token(t testing.TB, repo string, actions ...string) string {
	t.Helper()
	return s.sign(t, []Object{{"type": "repository", "name": repo, "actions": actions}})
}

func (s *tokenServer) sign(t testing.TB, access []Object) string {
	t.Helper()
	now := time.Now().Unix()
	part := func(v any) string { return base64.RawURLEncoding.EncodeToString(encode(t, v)) }
	text := part(Object{"typ": "JWT", "alg": "ES256", "x5c": []string{s.certificate}}) + "." + part(Object{
		"iss": "tests", "sub": "", "aud": "registry", "exp": now + 300, "nbf": now - 60, "iat": now, "jti": rand.Text(), "access": access,
	})
	sum := sha256.Sum256([]byte(text))
	a, b, err := ecdsa.Sign(rand.Reader, s.key, sum[:])
	require.NoError(t, err)
	signature := make([]byte, 64)
	a.FillBytes(signature[:32])
	b.FillBytes(signature[32:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}
