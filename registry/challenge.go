package registry

import (
	"net/http"
	"strings"
)

// challenge is one scheme of a WWW-Authenticate header (RFC 9110, section
// 11.6.1).
type challenge struct {
	scheme string            // lower case
	params map[string]string // keys in lower case, values as they came
}

// parseChallenges reads all schemes of all headers. What is malformed ends the
// reading of its header; what came before it counts.
func parseChallenges(h http.Header) []challenge {
	var out []challenge
	for _, text := range h.Values("WWW-Authenticate") {
		p := &challengeParser{rest: text}
		for p.skipCommas(); p.rest != ""; p.skipCommas() {
			scheme := p.token()
			if scheme == "" {
				break
			}
			c := challenge{scheme: strings.ToLower(scheme), params: map[string]string{}}
			p.params(c.params)
			out = append(out, c)
		}
	}
	return out
}

type challengeParser struct{ rest string }

func (p *challengeParser) space() { p.rest = strings.TrimLeft(p.rest, " \t") }

func (p *challengeParser) skipCommas() { p.rest = strings.TrimLeft(p.rest, " \t,") }

// token is the longest run of the characters RFC 9110 allows in one.
func (p *challengeParser) token() string {
	i := 0
	for i < len(p.rest) && isTokenByte(p.rest[i]) {
		i++
	}
	t := p.rest[:i]
	p.rest = p.rest[i:]
	return t
}

func isTokenByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' ||
		strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0
}

// params reads key=value pairs until something else begins: the next scheme is
// a token without an equals sign.
func (p *challengeParser) params(into map[string]string) {
	for {
		p.skipCommas()
		before := p.rest
		key := p.token()
		p.space()
		if key == "" || !strings.HasPrefix(p.rest, "=") {
			p.rest = before
			return
		}
		p.rest = p.rest[1:]
		p.space()
		value, ok := p.value()
		if !ok {
			p.rest = ""
			return
		}
		into[strings.ToLower(key)] = value
	}
}

func (p *challengeParser) value() (string, bool) {
	if !strings.HasPrefix(p.rest, `"`) {
		v := p.token()
		return v, v != ""
	}
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch p.rest[i] {
		case '\\':
			if i++; i < len(p.rest) {
				b.WriteByte(p.rest[i])
			}
		case '"':
			p.rest = p.rest[i+1:]
			return b.String(), true
		default:
			b.WriteByte(p.rest[i])
		}
	}
	return "", false
}

// pick takes the scheme we prefer: bearer, since its tokens are shared, then
// basic.
func pick(challenges []challenge) (challenge, bool) {
	for _, scheme := range []string{"bearer", "basic"} {
		for _, c := range challenges {
			if c.scheme == scheme {
				return c, true
			}
		}
	}
	return challenge{}, false
}
