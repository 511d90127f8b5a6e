package enginetest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// trialPrefix begins the names that a preflight tries calls with: of what does not
// exist, so that they change nothing.
const trialPrefix = "watchtower-preflight."

var (
	versioned   = regexp.MustCompile(`^/v[0-9.]+/`)
	containerID = regexp.MustCompile(`^[0-9a-f]{12,64}$`)
)

// call tells whether the request is to change a container, and how.
func (p *Proxy) call(r *http.Request) (Call, bool) {
	parts := strings.Split(versioned.ReplaceAllString(r.URL.Path, "/"), "/")[1:]
	if len(parts) < 2 {
		return Call{}, false
	}
	room, subject, action := parts[0], parts[1], strings.Join(parts[2:], "/")
	if strings.HasPrefix(subject, trialPrefix) {
		return Call{}, false
	}
	query := r.URL.Query()
	switch r.Method + " " + room + " " + action {
	case "POST containers ":
		switch subject {
		case "create":
			return Call{"Create", query.Get("name"), true}, true
		case "prune":
			return Call{"Prune", "", true}, true
		}
	case "DELETE containers ":
		return Call{"Remove", p.nameOf(subject), true}, true
	case "PUT containers archive":
		return Call{"Copy", p.nameOf(subject), true}, true
	case "POST containers rename":
		return Call{"Rename", p.nameOf(subject) + " to " + query.Get("name"), true}, true
	case "POST containers start", "POST containers stop", "POST containers restart", "POST containers kill",
		"POST containers pause", "POST containers unpause", "POST containers update":
		return Call{strings.ToUpper(action[:1]) + action[1:], p.nameOf(subject), true}, true
	case "POST networks connect":
		return Call{"Connect", p.endpoint(r) + " to " + subject, true}, true
	case "POST networks disconnect":
		return Call{"Disconnect", p.endpoint(r) + " from " + subject, true}, true
	}
	return Call{}, false
}

// endpoint is the container in the body of a network's call, which is left to
// be read again.
func (p *Proxy) endpoint(r *http.Request) string {
	data, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(data))
	var body struct{ Container string }
	if err != nil || json.Unmarshal(data, &body) != nil {
		return ""
	}
	return p.nameOf(body.Container)
}

// nameOf is the name of the container with this ID; what is none, or is not
// there, is returned as it is.
func (p *Proxy) nameOf(ref string) string {
	if !containerID.MatchString(ref) {
		return ref
	}
	req, err := http.NewRequest(http.MethodGet, "http://engine/containers/"+ref+"/json", nil) //nolint:noctx // a local engine
	if err != nil {
		return ref
	}
	resp, err := p.backend.RoundTrip(req)
	if err != nil {
		return ref
	}
	defer func() { _ = resp.Body.Close() }()
	var seen struct{ Name string }
	if json.NewDecoder(resp.Body).Decode(&seen) != nil || seen.Name == "" {
		return ref
	}
	return strings.TrimPrefix(seen.Name, "/")
}
