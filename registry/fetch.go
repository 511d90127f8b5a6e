package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower/credentials"
)

const (
	// maxToken bounds a token service's answer.
	maxToken = 128 << 10
	// defaultExpiry is how long a token lives whose service does not say: the
	// distribution specification's number.
	defaultExpiry = 60 * time.Second
)

// fetch makes one token request.
func (h *host) fetch(ctx context.Context, ref Reference, login credentials.Credential, repositories []string) (*token, error) {
	if !login.RegistryToken.IsZero() {
		return &token{
			value: login.RegistryToken, login: login, expires: time.Now().Add(defaultExpiry),
			repositories: repositories[:1], proven: map[string]bool{},
		}, nil
	}
	req, err := h.tokenRequest(ctx, login, repositories)
	if err != nil {
		return nil, broken(ref, err)
	}
	start := time.Now()
	resp, err := h.send(req, true)
	if err != nil {
		return nil, unanswered(ctx, opToken, ref, err)
	}
	defer discard(resp)
	if resp.StatusCode != http.StatusOK {
		return nil, denied(opToken, ref, resp)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxToken+1))
	if err != nil {
		return nil, unanswered(ctx, opToken, ref, err)
	}
	value, lives, err := parseToken(body)
	if err != nil {
		return nil, broken(ref, err)
	}
	return &token{
		value: value, login: login, expires: start.Add(lives), repositories: repositories, proven: map[string]bool{},
	}, nil
}

// parseToken reads a token service's answer. The margin never eats a short
// token's whole life.
func parseToken(body []byte) (credentials.Secret, time.Duration, error) {
	var answer struct {
		Token       string          `json:"token"`
		AccessToken string          `json:"access_token"`
		ExpiresIn   json.RawMessage `json:"expires_in"` // a number, for some in quotes
	}
	if len(body) > maxToken {
		return credentials.Secret{}, 0, fmt.Errorf("a token of more than %d bytes", maxToken)
	}
	if json.Unmarshal(body, &answer) != nil {
		return credentials.Secret{}, 0, errors.New("the token service's answer is not JSON")
	}
	value := answer.Token
	if value == "" {
		value = answer.AccessToken
	}
	if value == "" || strings.ContainsAny(value, "\r\n") {
		return credentials.Secret{}, 0, errors.New("the token service's answer holds no token")
	}
	lives := defaultExpiry
	if seconds, err := strconv.ParseFloat(strings.Trim(string(answer.ExpiresIn), `"`), 64); err == nil && seconds > 0 {
		lives = time.Duration(min(seconds, 24*60*60) * float64(time.Second))
	}
	return credentials.NewSecret(value), lives - min(5*time.Second, lives/10), nil
}

// tokenRequest is a GET, or for an identity token the OAuth2 grant.
func (h *host) tokenRequest(ctx context.Context, login credentials.Credential, repositories []string) (*http.Request, error) {
	h.mu.Lock()
	params, base := h.service.params, h.bases[0]
	h.mu.Unlock()
	realm, err := url.Parse(params["realm"])
	if err != nil || realm.Host == "" {
		return nil, errors.New("the challenge names no realm")
	}
	from, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	if err := trusted(realm, from); err != nil {
		return nil, fmt.Errorf("its token service: %w", err)
	}
	values := realm.Query()
	if service := params["service"]; service != "" {
		values.Set("service", service)
	}
	var scopes []string
	for _, repository := range repositories {
		scopes = append(scopes, strings.Fields(h.scope(repository))...)
	}
	if login.IdentityToken.IsZero() {
		values["scope"] = scopes
		realm.RawQuery = values.Encode()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, realm.String(), nil)
		if err == nil && login.Username != "" {
			req.SetBasicAuth(login.Username, login.Password.Reveal())
		}
		return req, err
	}
	values.Set("grant_type", "refresh_token")
	values.Set("client_id", userAgent)
	values.Set("refresh_token", login.IdentityToken.Reveal())
	values.Set("scope", strings.Join(scopes, " "))
	realm.RawQuery = ""
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, realm.String(), strings.NewReader(values.Encode()))
	if err == nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req, err
}
