package credentials

import (
	"os"
	"strings"
)

// maxSetting bounds a file with one setting in it: no token is that long.
const maxSetting = 64 << 10

// setting is a value the environment gives: in a variable, or in the file that
// the variable of that name with _FILE names, as secrets are mounted.
type setting struct {
	name, path string
	value      Secret // of one that has no path
}

func settingFromEnv(name string) (setting, error) {
	s := setting{name: name, value: NewSecret(os.Getenv(name))}
	path := os.Getenv(name + "_FILE")
	if path == "" {
		return s, nil
	}
	if !s.value.IsZero() {
		return s, invalid("credentials: %s and %s_FILE are both set: want one of them", name, name)
	}
	s.name, s.path = name+"_FILE", path
	_, err := s.text()
	return s, err
}

// given reports whether there is one.
func (s setting) given() bool { return !s.value.IsZero() || s.path != "" }

// text is the value as it is now, without the end of its line.
func (s setting) text() (string, error) {
	if s.path == "" {
		return s.value.Reveal(), nil
	}
	data, _, err := readFile(s.path, maxSetting)
	text := strings.TrimRight(string(data), "\r\n")
	switch {
	case err != nil:
	case text == "":
		err = invalid("empty")
	case strings.ContainsAny(text, "\r\n"):
		err = invalid("more than one line")
	}
	if err != nil {
		return "", unreadable(s.name+" ("+s.path+")", err)
	}
	return text, nil
}
