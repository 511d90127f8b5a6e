package registry

import (
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
)

// platform is what an entry of an index is for.
type platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant"`
}

// parsePlatform reads "os/arch" or "os/arch/variant".
func parsePlatform(text string) platform {
	parts := strings.SplitN(text+"//", "/", 4)
	return platform{parts[0], parts[1], parts[2]}.normal()
}

// normal spells a platform one way, as engines have it: arm64 is v8 and amd64 is
// v1 unless they say otherwise, arm is v7.
func (p platform) normal() platform {
	p = platform{strings.ToLower(p.OS), strings.ToLower(p.Architecture), strings.ToLower(p.Variant)}
	switch {
	case p.Architecture == "arm" && p.Variant == "":
		p.Variant = "v7"
	case p.Architecture == "arm64" && p.Variant == "v8", p.Architecture == "amd64" && p.Variant == "v1":
		p.Variant = ""
	}
	return p
}

// runs lists what an engine takes for the platform, the best first: itself, then
// on arm and amd64 the older variants.
func (p platform) runs() []platform {
	out := []platform{p}
	oldest := map[string]int{"arm": 5, "amd64": 1}[p.Architecture]
	version, err := strconv.Atoi(strings.TrimPrefix(p.Variant, "v"))
	if oldest == 0 || err != nil || version > 9 {
		return out
	}
	for version--; version >= oldest; version-- {
		out = append(out, platform{p.OS, p.Architecture, "v" + strconv.Itoa(version)}.normal())
	}
	return out
}

// choose picks the entry of an index that an engine would pull for the platform.
// Attestations are for a platform nobody has. A single entry that names none is
// for all.
func choose(entries []descriptor, text string) (digest.Digest, bool) {
	for _, want := range parsePlatform(text).runs() {
		for _, e := range entries {
			if e.Platform != nil && e.Platform.normal() == want {
				return e.Digest, true
			}
		}
	}
	if len(entries) == 1 && entries[0].Platform == nil {
		return entries[0].Digest, true
	}
	return "", false
}
