package tags

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// version is what a tag says: "v1.25.3-rc1-alpine3.19-r2".
type version struct {
	prefix  string   // "v" or nothing
	numbers []uint64 // 1, 25, 3
	stamps  [3]int   // the digits of those of the first three that have too many for a version: a day, a commit
	pre     string   // "rc", if it is no release yet
	pres    []uint64 // 1
	family  string   // the rest without the two below: "-alpine#-r#"
	base    []uint64 // what it is built on, 3, 19: it never goes back
	build   []uint64 // 2: of two builds of one version the later is the newer
}

// stampDigits is where a number is no version any more: 2026 is one, 202601 is not.
const stampDigits = 6

var (
	tagForm   = regexp.MustCompile(`^([vV]?)([0-9]+(?:\.[0-9]+){0,3})((?:[-_+.][A-Za-z].*|[A-Za-z].*|[-_][0-9].*)?)$`)
	preForm   = regexp.MustCompile(`(?i)^[-_.+]?(alpha|beta|rc|pre|preview|dev|snapshot|nightly|canary|edge|next|test|a|b|m)([-_.]?[0-9][0-9.]*)?($|[-_+])`)
	baseForm  = regexp.MustCompile(`alpine([0-9]+(?:\.[0-9]+)*)`)
	buildForm = regexp.MustCompile(`(?:^-|[-_.](?:ls|r|b|build|rev|p))([0-9]{1,5})$`)
	javaForm  = regexp.MustCompile(`^_([0-9]{1,5})(?:$|[-_])`)
	digits    = regexp.MustCompile(`[0-9]+`)
)

// parseTag reads a tag that begins with one to four numbers. Of what comes after
// them only what is known to count up is taken for a number: a build says so
// ("-r2", "-ls45"), is all that follows the version ("-4"), or follows it as Java's
// does ("_9-jre"). In "armv7", "php8.1", "jdk-17" or "debian-12" a number says what
// the image is.
func parseTag(tag string) (version, bool) {
	m := tagForm.FindStringSubmatch(tag)
	if m == nil {
		return version{}, false
	}
	v, rest := version{prefix: m[1]}, m[3]
	for i, n := range strings.Split(m[2], ".") {
		if i < len(v.stamps) && len(n) >= stampDigits {
			v.stamps[i] = len(n)
		}
	}
	texts := [4]string{m[2]}
	if pre := preForm.FindStringSubmatchIndex(rest); pre != nil {
		v.pre = strings.ToLower(rest[pre[2]:pre[3]])
		texts[1] = rest[pre[3]:pre[6]]
		rest = rest[pre[6]:]
	}
	rest, texts[2] = take(rest, baseForm)
	if rest, texts[3] = take(rest, javaForm); texts[3] == "" {
		rest, texts[3] = take(rest, buildForm)
	}
	v.family = rest
	for i, into := range []*[]uint64{&v.numbers, &v.pres, &v.base, &v.build} {
		for _, d := range digits.FindAllString(texts[i], -1) {
			n, err := strconv.ParseUint(d, 10, 64)
			if err != nil {
				return version{}, false // of more than 19 digits
			}
			*into = append(*into, n)
		}
	}
	return v, true
}

// take leaves a mark in the place of the numbers that the form finds.
func take(text string, form *regexp.Regexp) (left, numbers string) {
	m := form.FindStringSubmatchIndex(text)
	if m == nil {
		return text, ""
	}
	return text[:m[2]] + "#" + text[m[3]:], text[m[2]:m[3]]
}

// accepts: the other says a version in the same way. One that is no release yet
// may become one.
func (v version) accepts(other version) bool {
	return v.prefix == other.prefix && len(v.numbers) == len(other.numbers) && v.stamps == other.stamps &&
		v.family == other.family && (other.pre == "" || other.pre == v.pre) && slices.Compare(v.base, other.base) <= 0
}

// less: the version counts first, then the numbers of what comes after it. A
// release is more than what came before it.
func (v version) less(other version) bool {
	if c := slices.Compare(v.numbers, other.numbers); c != 0 {
		return c < 0
	}
	if (v.pre == "") != (other.pre == "") {
		return v.pre != ""
	}
	return cmp.Or(slices.Compare(v.pres, other.pres), slices.Compare(v.base, other.base), slices.Compare(v.build, other.build)) < 0
}

// semver is what ranges are about: three numbers. A fourth tells builds of one
// version apart, and is in every range its version is in. Whether it is a release
// is judged apart from them.
func (v version) semver() *semver.Version {
	n := append(slices.Clone(v.numbers), 0, 0)
	return semver.New(n[0], n[1], n[2], "", "")
}
