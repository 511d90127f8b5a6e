package tags

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// version is what a tag says: "v1.25.3-alpine3.19".
type version struct {
	prefix  string   // "v" or nothing
	numbers []uint64 // 1, 25, 3
	dated   bool     // the first number is a day, 20260131: not to be compared with versions
	family  string   // the rest, whatever numbers are in it: "-alpine#.#"
	rest    []uint64 // those numbers
	pre     bool     // the rest says that it is no release yet
}

var (
	tagForm = regexp.MustCompile(`^([vV]?)([0-9]+(?:\.[0-9]+){0,3})((?:[-_+.][A-Za-z].*|[A-Za-z].*|-[0-9].*)?)$`)
	digits  = regexp.MustCompile(`[0-9]+`)
	preForm = regexp.MustCompile(`(?i)^[-_.+]?(?:alpha|beta|rc|pre|preview|dev|snapshot|nightly|canary|edge|next|test|a|b|m)(?:[-_.#0-9].*)?$`)
)

// parseTag reads a tag that begins with one to four numbers.
func parseTag(tag string) (version, bool) {
	m := tagForm.FindStringSubmatch(tag)
	if m == nil {
		return version{}, false
	}
	v := version{prefix: m[1], family: digits.ReplaceAllString(m[3], "#"), pre: preForm.MatchString(m[3])}
	var ok bool
	first, _, _ := strings.Cut(m[2], ".")
	v.dated = len(first) == len("20260131")
	if v.numbers, ok = numbers(m[2]); !ok {
		return version{}, false
	}
	v.rest, ok = numbers(m[3])
	return v, ok
}

func numbers(text string) ([]uint64, bool) {
	var out []uint64
	for _, d := range digits.FindAllString(text, -1) {
		n, err := strconv.ParseUint(d, 10, 64)
		if err != nil {
			return nil, false // of more than 19 digits
		}
		out = append(out, n)
	}
	return out, true
}

// accepts: the other says a version in the same way. One that is no release yet
// may become one.
func (v version) accepts(other version) bool {
	same := v.prefix == other.prefix && len(v.numbers) == len(other.numbers) && v.dated == other.dated
	released := v.pre && other.family == ""
	return same && (v.family == other.family || released)
}

// less: the version counts first, then the numbers of what comes after it. A
// release is more than what came before it.
func (v version) less(other version) bool {
	if c := slices.Compare(v.numbers, other.numbers); c != 0 {
		return c < 0
	}
	if v.pre != other.pre {
		return v.pre
	}
	return slices.Compare(v.rest, other.rest) < 0
}

// semver is what ranges are about: three numbers. Whether it is a release is
// judged by its family.
func (v version) semver() *semver.Version {
	n := append(slices.Clone(v.numbers), 0, 0)
	return semver.New(n[0], n[1], n[2], "", "")
}
