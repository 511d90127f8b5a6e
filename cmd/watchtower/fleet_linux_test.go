package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower/internal/enginehost"
)

// signer makes certificates of one authority.
type signer struct {
	t    *testing.T
	ca   *x509.Certificate
	key  *ecdsa.PrivateKey
	next int64
}

func (s *signer) write(dir, name string, template *x509.Certificate) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(s.t, err)
	s.next++
	template.SerialNumber, template.NotAfter = big.NewInt(s.next), time.Now().Add(time.Hour)
	template.Subject = pkix.Name{CommonName: name}
	if s.ca == nil {
		s.ca, s.key = template, key
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, s.ca, &key.PublicKey, s.key)
	require.NoError(s.t, err)
	der, err := x509.MarshalECPrivateKey(key)
	require.NoError(s.t, err)
	for path, block := range map[string]*pem.Block{
		name + ".pem": {Type: "CERTIFICATE", Bytes: cert}, strings.Replace(name, "cert", "", 1) + "key.pem": {Type: "EC PRIVATE KEY", Bytes: der},
	} {
		require.NoError(s.t, os.WriteFile(filepath.Join(dir, path), pem.EncodeToMemory(block), 0o600))
	}
}

// mutualTLS makes a directory with what an engine and those who call it show each other.
func mutualTLS(t *testing.T, dir string) {
	t.Helper()
	s := &signer{t: t}
	s.write(dir, "ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	s.write(dir, "cert", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	s.write(dir, "servercert", &x509.Certificate{
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	})
}

// deaf is the address of an engine that takes calls and never answers.
func deaf(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
		}
	}()
	return "http://" + l.Addr().String()
}

// free is an address of the loopback that nobody listens at.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// Three engines, on a socket, behind mutual TLS and over ssh, and one that takes calls and
// never answers. The one behind ssh is killed in the middle of its pass. The others have
// theirs as if they were alone, and the report says of each what became of it.
func TestOneEngineHangsAndOneIsKilled(t *testing.T) {
	certs, bin := t.TempDir(), t.TempDir()
	own := filepath.Join(certs, "tls")
	require.NoError(t, os.Mkdir(own, 0o700))
	mutualTLS(t, own)
	secure := free(t)
	engines := map[string]*enginehost.Host{
		"socket": enginehost.Engine(t),
		"tls": enginehost.Another(t, 1, "-H", "tcp://"+secure, "--tlsverify", "--tlscacert="+filepath.Join(own, "ca.pem"),
			"--tlscert="+filepath.Join(own, "servercert.pem"), "--tlskey="+filepath.Join(own, "serverkey.pem")),
		"ssh": enginehost.Another(t, 2),
	}
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, filepath.Join(bin, "ssh")))
	reg := enginehost.StartRegistry(t)
	ref, _ := reg.Push(t, "fleet:1", enginehost.Image{})
	before := map[string]string{}
	for name, host := range engines {
		host.Pull(t, ref, "")
		before[name] = host.Run(t, "fleet", object{"Image": ref, "HostConfig": object{"NetworkMode": "none"}})
	}
	reg.Push(t, "fleet:1", enginehost.Image{Env: []string{"VERSION=2"}})
	state := t.TempDir()
	env := []string{
		"WATCHTOWER_HOSTS=socket=" + engines["socket"].Address + ",tls=tcp://" + secure + ",ssh=ssh://robot@host.example,deaf=" + deaf(t),
		"DOCKER_CERT_PATH=" + certs, "DOCKER_TLS_VERIFY=1", "PATH=" + bin, "WATCHTOWER_STATE_DIR=" + state,
		"FAKE_SSH=" + strings.TrimPrefix(engines["ssh"].Address, "unix://"), "WATCHTOWER_STABLE_TIME=5",
	}

	code, stdout, stderr := runProgram(t, env, "check", "fleet")
	assert.Equal(t, exitFailed, code)
	t.Logf("watchtower check\n%s%s", stdout, stderr)
	assert.Regexp(t, `(?m)^ENGINE +CONTAINER +IMAGE +STATUS +WHY$`, stdout)
	for name := range engines {
		assert.Regexp(t, `(?m)^`+name+` +fleet +\S+ +stale `, stdout)
		assert.Contains(t, stdout, "\nAn update on "+name+" would:\n")
	}
	assert.Regexp(t, `level=error msg="check failed" engine=deaf err="watchtower: check: no answer within 8s`, stderr)

	p := start(t, env, "--run-once", "fleet")
	require.Eventually(t, func() bool { return strings.Contains(p.stderr.String(), "msg=start engine=ssh ") }, time.Minute, waitStep)
	require.NoError(t, engines["ssh"].Kill())
	assert.Equal(t, exitFailed, p.wait(t))
	t.Logf("the pass in which the engine behind ssh is killed\n%s", p.stderr.String())
	took := map[string]time.Duration{}
	for _, m := range regexp.MustCompile(`msg="update done" engine=(\w+) .*took=(\S+)`).FindAllStringSubmatch(p.stderr.String(), -1) {
		if took[m[1]], err = time.ParseDuration(m[2]); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"socket", "tls"} {
		assert.Regexp(t, `msg=updated engine=`+name+` container=fleet`, p.stderr.String())
		assert.NotEqual(t, before[name], engines[name].Inspect(t, "fleet")["Id"])
		assert.Equal(t, "2", engines[name].Exec(t, "fleet", "sh", "-c", "echo $VERSION"))
	}
	assert.Regexp(t, `level=error msg="update failed" engine=deaf err="watchtower: update: no answer within 8s`, p.stderr.String())
	assert.Regexp(t, `level=error msg=failed engine=ssh container=fleet`, p.stderr.String())

	require.NoError(t, engines["ssh"].Start())
	code, _, stderr = runProgram(t, env, "--run-once", "fleet")
	assert.Equal(t, exitFailed, code, "one still hangs")
	t.Logf("the next pass\n%s", stderr)
	assert.Equal(t, "2", engines["ssh"].Exec(t, "fleet", "sh", "-c", "echo $VERSION"))
	assert.Len(t, engines["ssh"].List(t), 1, "what the kill left is settled")
	t.Logf("took %v", took)
}

// Two programs that watch the same engine, and make a pass at the same time, replace each
// container once: one has it in hand, and the other leaves it alone.
func TestTwoProgramsReplaceEachContainerOnce(t *testing.T) {
	host := enginehost.Engine(t)
	reg := enginehost.StartRegistry(t)
	var names []string
	for i := range 4 {
		name := fmt.Sprint("twice", i)
		names = append(names, name)
		ref, _ := reg.Push(t, name+":1", enginehost.Image{Env: []string{"OF=" + name}})
		host.Pull(t, ref, "")
		host.Run(t, name, object{"Image": ref})
		reg.Push(t, name+":1", enginehost.Image{Env: []string{"VERSION=2"}})
	}
	before := host.List(t)
	args := append([]string{"--run-once"}, names...)
	programs := []*process{start(t, engineEnv(host), args...), start(t, engineEnv(host), args...)}
	said := ""
	for i, p := range programs {
		t.Logf("program %d ended with %d\n%s", i+1, p.wait(t), p.stderr.String())
		said += p.stderr.String()
	}
	for _, name := range names {
		assert.Equal(t, 1, strings.Count(said, "msg=updated container="+name+" "), name)
		assert.Equal(t, 1, strings.Count(said, "msg=stop container="+name+" "), "%s: stopped once", name)
		assert.Equal(t, "2", host.Exec(t, name, "sh", "-c", "echo $VERSION"))
	}
	assert.Len(t, host.List(t), len(before), "and nothing is left beside them")
}
