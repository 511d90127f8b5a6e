package registrytest

import (
	"context"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
)

// serve answers one request, as a fault may have it.
func (r *Registry) serve(w http.ResponseWriter, req *http.Request) {
	about := r.route(req)
	r.mu.Lock()
	entry := &Request{Kind: about.kind, Method: req.Method, Host: req.Host, Path: req.URL.Path, Credentials: scheme(req)}
	r.requests = append(r.requests, entry)
	latency, fault := r.latency, r.faults[about.kind]
	r.mu.Unlock()
	if !pause(req.Context(), latency) {
		return
	}
	answer := func(w http.ResponseWriter, req *http.Request) { r.answer(w, req, about, entry) }
	w = &recorder{w, r, entry}
	if fault == nil {
		fault = func(w http.ResponseWriter, req *http.Request, answer http.HandlerFunc) { answer(w, req) }
	}
	fault(w, req, answer)
}

// pause waits, unless the request ends before.
func pause(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// subject is what a request is about.
type subject struct {
	kind       Kind
	repository string
	thing      string // "manifests", "blobs", "tags", "referrers"
	version    string // the tag or digest
}

// route reads the request's address.
func (r *Registry) route(req *http.Request) subject {
	host := nameOf(req.Host)
	if host == nameOf(r.realm.Host) && req.URL.Path == r.realm.Path && r.profile.Auth == Bearer {
		return subject{kind: KindToken}
	}
	rest, ok := strings.CutPrefix(strings.TrimPrefix(req.URL.Path, r.profile.ManifestsAt), "/v2/")
	switch {
	case host != nameOf(r.endpoint) || !ok:
		return subject{kind: KindOther}
	case rest == "":
		return subject{kind: KindPing}
	}
	repository, version := path.Split(rest)
	repository, thing := path.Split(strings.TrimSuffix(repository, "/"))
	s := subject{KindOther, strings.TrimSuffix(repository, "/"), thing, version}
	switch {
	case thing == "blobs":
		s.kind = KindBlob
	case thing == "manifests" && r.profile.ManifestsAt != "" && !strings.HasPrefix(req.URL.Path, r.profile.ManifestsAt):
		s.thing = "redirect"
	case thing == "manifests" && req.Method == http.MethodHead:
		s.kind = KindHead
	case thing == "manifests":
		s.kind = KindManifest
	}
	return s
}

// answer answers as the registry does when nothing is wrong.
func (r *Registry) answer(w http.ResponseWriter, req *http.Request, about subject, entry *Request) {
	r.mu.Lock()
	out := r.reply(req, about, entry)
	r.mu.Unlock()
	out.send(w)
}

// reply finds the answer. As for all that it calls, the caller holds the lock.
func (r *Registry) reply(req *http.Request, about subject, entry *Request) reply {
	if about.kind == KindToken {
		return r.replyToken(req, entry)
	}
	if refusal, refused := r.refuse(req, about, entry); refused {
		return refusal
	}
	entry.Authorized = true
	own := r.repositories[about.repository]
	switch {
	case about.kind == KindPing:
		return reply{mediaType: typeJSON, body: []byte("{}")}
	case req.Method != http.MethodGet && req.Method != http.MethodHead:
		return failure(http.StatusMethodNotAllowed, "UNSUPPORTED", "this registry is pushed to by Go calls")
	case own == nil:
		return failure(http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry")
	case about.thing == "redirect":
		return reply{status: http.StatusTemporaryRedirect}.with("Location", r.profile.ManifestsAt+req.URL.Path)
	case about.thing == "manifests":
		return r.replyManifest(req, own, about.version)
	case about.thing == "blobs":
		blob, ok := own.blobs[digest.Digest(about.version)]
		if !ok {
			return failure(http.StatusNotFound, "BLOB_UNKNOWN", "blob unknown to registry")
		}
		return r.replyContent("application/octet-stream", blob)
	case about.thing == "tags" && about.version == "list":
		return r.replyTags(req, about.repository, own)
	case about.thing == "referrers" && !r.profile.NoReferrers:
		return replyReferrers(req, own, digest.Digest(about.version))
	default:
		return failure(http.StatusNotFound, "UNSUPPORTED", "not found")
	}
}

// replyManifest answers a HEAD or GET. Who does not name the manifest's media
// type in the first line of Accept is told that there is none, as GHCR and
// others do it.
func (r *Registry) replyManifest(req *http.Request, own *repository, version string) reply {
	if req.Method == http.MethodHead && r.profile.HeadStatus != 0 {
		return failure(r.profile.HeadStatus, "UNSUPPORTED", "no HEAD for manifests")
	}
	m, ok := own.find(version)
	if !ok || !accepts(req.Header.Get("Accept"), m.MediaType) {
		return failure(http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown, or not in a media type that is accepted")
	}
	left, within := r.spend(req.Method == http.MethodGet)
	out := r.replyContent(m.MediaType, m.Body)
	if !within {
		out = failure(http.StatusTooManyRequests, "TOOMANYREQUESTS", "You have reached your pull rate limit.")
	}
	if limit := r.profile.Limit; limit.Manifests > 0 {
		window := ";w=" + strconv.Itoa(int(limit.Window/time.Second))
		out = out.with("RateLimit-Limit", strconv.Itoa(limit.Manifests)+window)
		out = out.with("RateLimit-Remaining", strconv.Itoa(left)+window)
	}
	return out
}

func accepts(header, mediaType string) bool {
	for kind := range strings.SplitSeq(header, ",") {
		kind, _, _ = strings.Cut(strings.TrimSpace(kind), ";")
		if kind == "" || kind == "*/*" || kind == mediaType {
			return true
		}
	}
	return false
}

// spend counts one manifest against the limit, if there is one and it counts,
// and says how many are left and whether this one was within.
func (r *Registry) spend(counts bool) (left int, within bool) {
	limit := r.profile.Limit
	if now := time.Now(); !now.Before(r.window) {
		r.spent, r.window = 0, now.Add(limit.Window)
	}
	left = limit.Manifests - r.spent
	if limit.Manifests == 0 || !counts {
		return left, true
	}
	if left == 0 {
		return 0, false
	}
	r.spent++
	return left - 1, true
}

// replyContent is what a digest stands for.
func (r *Registry) replyContent(mediaType string, body []byte) reply {
	out := reply{mediaType: mediaType, body: body}
	if r.profile.NoDigest {
		return out
	}
	return out.with("Docker-Content-Digest", digest.FromBytes(body).String())
}
