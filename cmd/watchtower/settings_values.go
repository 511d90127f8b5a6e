package main

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/watchtower-go/watchtower/credentials"
)

// kind is how a setting's text is read. Help and the page in docs show it.
type kind string

const (
	kindSwitch   kind = "bool"
	kindText     kind = "text"
	kindChoice   kind = "word"
	kindNumber   kind = "number"
	kindDuration kind = "duration"
	kindList     kind = "list"  // split at commas and white space
	kindPairs    kind = "pairs" // key=value, split at commas
	kindSecret   kind = "secret"
	kindURLs     kind = "urls"  // secrets too: split in a variable, never in a flag
	kindLogin    kind = "login" // a secret that another package reads
)

func (k kind) many() bool { return k == kindList || k == kindPairs || k == kindURLs }

// target is where a setting's text goes, and what is accepted there.
type target struct {
	kind     kind
	accepted string // what a bad value is told
	set      func(text string) error
}

var errValue = errors.New("not accepted")

// explained is the error of a parser that names the value, the part of it that is
// bad, and what is accepted there. It shows the value: not for secrets.
type explained struct{ error }

const (
	wantBool     = "true or false"
	wantPositive = "seconds (30) or a duration (1m30s), more than 0"
	wantDuration = "seconds (30) or a duration (1m30s), 0 or more"
	wantInterval = "a whole number of seconds or a duration (90s, 12h), at least 1 second"
	wantCooldown = "0 or numbers with units (12h, 3d, 1w12h), of which M is 30 days and m a minute"
	wantLevel    = "panic, fatal, error, warn, info, debug or trace"
	wantProbe    = "exec:COMMAND, http://:PORT/PATH, https://:PORT/PATH or tcp://:PORT, without a host"
	wantPairs    = "at most 100 of key=value, or key= for any value, split by commas, each of at most 4096 bytes"
)

// of says that a setting is for something that does not read it.
func of(k kind) target { return target{kind: k} }

func toggle(field *bool) target {
	return target{kindSwitch, wantBool, func(text string) (err error) {
		*field, err = strconv.ParseBool(strings.TrimSpace(text))
		return err
	}}
}

func text(field *string) target {
	return target{kindText, "", func(text string) error {
		*field = text
		return nil
	}}
}

// valid is text that a parser must accept. The parser's error is not shown, but
// what is accepted.
func valid(field *string, accepted string, parse func(string) error) target {
	return target{kindText, accepted, func(text string) error {
		*field = text
		return parse(text)
	}}
}

// choice is one of some words, in whatever case.
func choice(field *string, accepted string, words ...string) target {
	return target{kindChoice, accepted, func(text string) error {
		*field = strings.ToLower(strings.TrimSpace(text))
		if !slices.Contains(words, *field) {
			return errValue
		}
		return nil
	}}
}

func number(field *int, accepted string, least, most int) target {
	return target{kindNumber, accepted, func(text string) (err error) {
		*field, err = strconv.Atoi(strings.TrimSpace(text))
		if err == nil && (*field < least || *field > most) {
			err = errValue
		}
		return err
	}}
}

func duration(field *time.Duration, accepted string, least time.Duration) target {
	return target{kindDuration, accepted, func(text string) (err error) {
		*field, err = parseDuration(text)
		if err == nil && *field < least {
			err = errValue
		}
		return err
	}}
}

// list appends words, each of which check must accept; nil accepts all. A text without
// any is a mistake, unless it is empty: what it was to leave out would be let in.
func list(field *[]string, accepted string, check func(string) error) target {
	return target{kindList, accepted, func(text string) error {
		words := splitList(text)
		*field = append(*field, words...)
		if len(words) == 0 && text != "" {
			return errValue
		}
		for _, word := range words {
			if check == nil {
				break
			}
			if err := check(word); err != nil {
				return err
			}
		}
		return nil
	}}
}

func secret(field *credentials.Secret) target {
	return target{kindSecret, "more than blanks", func(text string) error {
		*field = credentials.NewSecret(text)
		if text != "" && strings.TrimSpace(text) == "" {
			return errValue
		}
		return nil
	}}
}

// choices is a list of some words, in whatever case.
func choices(field *[]string, words ...string) target {
	t := list(field, "some of "+strings.Join(words, ", "), func(word string) error {
		if slices.Contains(words, word) {
			return nil
		}
		return errValue
	})
	set := t.set
	t.set = func(text string) error { return set(strings.ToLower(text)) }
	return t
}

// splitList splits at commas and white space.
func splitList(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
}

// parseDuration takes a bare number, whole or decimal, for seconds.
func parseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if text != "" && strings.Trim(text, "+-.0123456789") == "" {
		text += "s"
	}
	return time.ParseDuration(text)
}
