package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// writeCertificate makes one for the loopback with that serial number.
func writeCertificate(t *testing.T, dir string, serial int64) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	bits, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bits}), 0o600))
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	at := time.Now().Add(time.Duration(serial) * time.Second)
	require.NoError(t, os.Chtimes(cert, at, at))
	return cert, key
}

// Over TLS, with the certificate that is there now, or the last good one.
func TestTheAPIOverTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := writeCertificate(t, dir, 1)
	host, port := freeAddress(t)
	s, err := parse(t, nil, "--http-api-endpoints=health", "--http-api-host", host, "--http-api-port", port, "--http-api-tls-cert", cert, "--http-api-tls-key", key)
	require.NoError(t, err)
	var log syncBuffer
	se := &session{settings: s, logger: slog.New(slog.NewTextHandler(&log, nil))}
	se.api, err = newAPI(s, se.logger, nil)
	require.NoError(t, err)
	stop, err := se.serve(t.Context())
	require.NoError(t, err)
	defer stop()
	address := net.JoinHostPort(host, port)
	serial := func() int64 {
		conn, err := new(tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", address) //nolint:gosec // its serial number is what is asked for
		require.NoError(t, err)
		defer func() { _ = conn.Close() }()
		return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	assert.EqualValues(t, 1, serial())
	writeCertificate(t, dir, 2)
	assert.EqualValues(t, 2, serial(), "renewed")
	require.NoError(t, os.WriteFile(cert, []byte("half of"), 0o600))
	const stays = "last good certificate stays in force"
	for range 3 {
		assert.EqualValues(t, 2, serial(), "the last good one")
	}
	assert.Equal(t, 1, strings.Count(log.String(), stays), "once, however many call")
	writeCertificate(t, dir, 3)
	assert.EqualValues(t, 3, serial())
	require.NoError(t, os.WriteFile(cert, []byte("half of"), 0o600))
	assert.EqualValues(t, 3, serial())
	assert.Equal(t, 2, strings.Count(log.String(), stays), "again once it was well")

	_, err = new(tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}}).DialContext(t.Context(), "tcp", address) //nolint:gosec // as above
	require.Error(t, err, "1.2 is the least")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/livez", nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	_ = resp.Body.Close()
	assert.Equal(t, http.StatusBadRequest, resp.StatusCode, "nothing in clear on port "+strconv.Quote(port))
}

// When its context ends nobody is answered any more, and stop returns.
func TestTheAPIEnds(t *testing.T) {
	t.Parallel()
	host, port := freeAddress(t)
	s, err := parse(t, nil, "--http-api-endpoints=health", "--http-api-host", host, "--http-api-port", port)
	require.NoError(t, err)
	se := &session{settings: s, logger: slog.New(slog.DiscardHandler)}
	se.api, err = newAPI(s, se.logger, nil)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	stop, err := se.serve(ctx)
	require.NoError(t, err)
	cancel()
	stop()
	_, err = net.Dial("tcp", net.JoinHostPort(host, port))
	require.Error(t, err)
}
