package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/watchtower-go/watchtower/internal/redact"
)

// maxSecret bounds a file with secrets in it: no list of them is that long.
const maxSecret = 64 << 10

// secret reports whether the setting is a secret that is read here: it has a
// variable that ends in _FILE, and its value may be the path of a file.
func (row setting) secret() bool { return row.kind == kindSecret || row.kind == kindURLs }

// shown is the text as people may see it.
func (row setting) shown(text string) string {
	if row.secret() || row.kind == kindLogin {
		return "***"
	}
	if row.flag != "hosts" {
		return redact.URL(text)
	}
	words := splitList(text)
	for i := range words {
		words[i] = redact.URL(words[i])
	}
	return strings.Join(words, ",")
}

// texts replaces the paths among a secret's texts by what their files hold.
func (row setting) texts(source string, given []string) ([]string, error) {
	if !row.secret() {
		return given, nil
	}
	var out []string
	var errs []error
	for _, text := range given {
		if !isPath(text) {
			out = append(out, text)
			continue
		}
		held, err := row.fileTexts(source, text)
		errs = append(errs, err)
		out = append(out, held...)
	}
	return out, errors.Join(errs...)
}

// isPath tells a path from a secret as the predecessors do: something is there,
// and there is no colon but that of a drive. A secret that happens to be the name
// of a file in the working directory is taken for it.
func isPath(text string) bool {
	if i := strings.Index(text, ":"); text == "" || i >= 0 && i != 1 {
		return false
	}
	_, err := os.Stat(text)
	return err == nil || errors.Is(err, fs.ErrPermission)
}

// fileTexts are the file's lines, without empty ones and those that begin with #,
// for a list of URLs; else all of it, without the white space around.
func (row setting) fileTexts(source, path string) ([]string, error) {
	held, err := readSecret(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	if row.kind != kindURLs {
		return []string{held}, nil
	}
	var out []string
	for line := range strings.Lines(held) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: read %s: no URL in it", source, path)
	}
	return out, nil
}

// readSecret reads what the file holds. Its errors name the path.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch held := strings.TrimSpace(string(data)); {
	case err != nil:
		return "", err
	case len(data) > maxSecret:
		return "", fmt.Errorf("read %s: more than %d bytes", path, maxSecret)
	case held == "":
		return "", fmt.Errorf("read %s: empty", path)
	default:
		return held, nil
	}
}

// splitURLs splits a variable at white space and commas. A piece behind a comma
// that is neither a URL nor a file belongs to the URL before it, as a list of
// addresses does.
func splitURLs(text string) []string {
	var out []string
	for _, word := range strings.Fields(text) {
		first := true
		for piece := range strings.SplitSeq(word, ",") {
			switch {
			case piece == "":
			case first || strings.Contains(piece, "://") || isPath(piece):
				out = append(out, piece)
				first = false
			default:
				out[len(out)-1] += "," + piece
			}
		}
	}
	return out
}
