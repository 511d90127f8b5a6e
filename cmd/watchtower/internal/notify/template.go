package notify

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/template"
	"time"
	"unicode"

	"github.com/watchtower-go/watchtower"
)

// The names of the built-in templates.
const (
	defaultLog    = "default-legacy"
	defaultReport = "default"
	porcelainV1   = "porcelain.v1.summary-no-log"
	porcelainJSON = "porcelain.json"
)

// builtin returns the text of a built-in template.
func builtin(name string) (text string, ok bool) {
	text, ok = map[string]string{
		defaultLog: `{{range .}}{{.Message}}
{{end}}`,
		defaultReport: `{{with .Report -}}
{{if or .Updated .Failed .Stale .Restarted .Recovered -}}
{{with $.Engine}}{{.}}: {{end}}{{len .Scanned}} Scanned, {{len .Updated}} Updated, {{len .Failed}} Failed
{{- range .Updated}}
- {{with .Service}}service {{end}}{{.Name}} ({{.ImageName}}): {{.CurrentImageID.ShortID}} updated to {{.LatestImageID.ShortID}}{{with .NewImageName}} ({{.}}){{end}}{{with .Change}}: {{.}}{{end}}
{{- end}}
{{- range .Failed}}
- {{with .Service}}service {{end}}{{.Name}} ({{.ImageName}}): {{if .RolledBack}}Rolled back{{else}}Failed{{end}}: {{.Error}}
{{- end}}
{{- range .Restarted}}
- {{with .Service}}service {{end}}{{.Name}} ({{.ImageName}}): Restarted{{with .Reason}}: {{.}}{{end}}
{{- end}}
{{- range .Stale}}
- {{with .Service}}service {{end}}{{.Name}} ({{.ImageName}}): Stale{{with .Digest.ShortID}}: {{.}}{{end}}{{with .Change}}: {{.}}{{end}}{{with .Reason}}: {{.}}{{end}}
{{- end}}
{{- range .Fresh}}
- {{with .Service}}service {{end}}{{.Name}} ({{.ImageName}}): Fresh{{if .Recovered}} again{{end}}
{{- end}}
{{- range .Skipped}}
- {{with .Service}}service {{end}}{{.Name}} ({{.ImageName}}): Skipped: {{.Error}}
{{- end}}
{{end -}}
{{else -}}
{{range .Entries}}{{.Message}}
{{end -}}
{{end -}}`,
		porcelainV1: `{{with .Report -}}
{{range .All}}{{.Name}} ({{.ImageName}}): {{.State}}{{with .Error}} Error: {{.}}{{end}}
{{else}}no containers matched filter
{{end -}}
{{end -}}`,
		porcelainJSON: `{{if .Report}}{{ToPorcelainJSON .}}{{end}}`,
		"json.v1":     `{{ToJSON .}}`,
	}[name]
	return text, ok
}

// parseTemplate takes the name of a built-in template, a text, or nothing for the
// default one, and tries it: what it asks for must be there. It is given a *Data if it
// is for reports, else a list of Entry.
func parseTemplate(text string, report bool) (*template.Template, error) {
	name := text
	if text == "" {
		if name = defaultLog; report {
			name = defaultReport
		}
	}
	what := "the built-in template " + name
	known, ok := builtin(name)
	if !ok {
		known, what = text, "the template"
	}
	t, err := template.New("template").Funcs(functions()).Parse(known)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", what, err)
	}
	if err := countSteps(t); err != nil {
		return nil, err
	}
	if _, err := render(t, sample(report)); err != nil {
		hint := ""
		if !report {
			hint = " (without a report it is given the list of log lines)"
		}
		return nil, fmt.Errorf("%s does not fit%s: %w", what, hint, err)
	}
	return t, nil
}

// Porcelain is the result of a pass in a form that scripts read, v1 or json: the
// containers that are meant, by ID.
func Porcelain(form string, r *watchtower.Report, meant func(watchtower.Container) bool) (string, error) {
	name := map[string]string{"v1": porcelainV1, "json": porcelainJSON}[form]
	t, err := parseTemplate(name, true)
	if err != nil {
		return "", err
	}
	return render(t, &Data{Report: newReport(r, meant)})
}

func functions() template.FuncMap {
	return template.FuncMap{
		"ToUpper":         strings.ToUpper,
		"ToLower":         strings.ToLower,
		"Title":           title,
		"ToJSON":          func(v any) (string, error) { return sized(toJSON(v)) },
		"ToPorcelainJSON": toPorcelainJSON,
		"RFC1123":         func(t time.Time) string { return t.Format(time.RFC1123) },
		// Those that there are anyway, and that could make ever longer texts of their own.
		"print":   func(v ...any) (string, error) { return sized(fmt.Sprint(v...), nil) },
		"printf":  func(format string, v ...any) (string, error) { return sized(fmt.Sprintf(format, v...), nil) },
		"println": func(v ...any) (string, error) { return sized(fmt.Sprintln(v...), nil) },
		"js":      func(v ...any) (string, error) { return sized(template.JSEscaper(v...), nil) },
		stepName:  func() (string, error) { return "", nil },
	}
}

// title makes the first letter of each word a capital, and no other.
func title(text string) string {
	inside := false
	return strings.Map(func(r rune) rune {
		was := inside
		inside = unicode.IsLetter(r) || unicode.IsDigit(r) || r == '\''
		if was {
			return unicode.ToLower(r)
		}
		return unicode.ToTitle(r)
	}, text)
}

func toJSON(v any) (string, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	return string(text), err
}

// sample has something of everything, for templates to be tried with.
func sample(report bool) any {
	c := Container{
		ID: "0123456789abcdef", Name: "web", Service: "replicated", ImageName: "nginx:1", CurrentImageID: "sha256:0123456789abcdef",
		LatestImageID: "sha256:0123456789abcdef", Error: "error", Reason: "reason", Digest: "sha256:0123456789abcdef",
	}
	entries := []Entry{{Message: "message", Level: "info", Data: map[string]any{
		keyContainer: c.Name, keyService: "replicated", keyImage: c.ImageName, keyID: "0123456789ab", keyNewID: "0123456789ab",
		keyImageID: "0123456789ab", keyNewImage: c.ImageName, keyError: "error", keyReason: "reason",
	}}}
	if !report {
		return entries
	}
	all := &Report{}
	for _, state := range []string{fresh, stale, updated, restarted, skipped, failed} {
		c.State = state
		all.containers = append(all.containers, c)
	}
	return &Data{Title: "title", Host: "host", Engine: "engine", Entries: entries, Report: all}
}
