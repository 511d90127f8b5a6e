package main

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
	"github.com/watchtower-go/watchtower/gate"
	"github.com/watchtower-go/watchtower/lifecycle"
)

const settingsPage = "../../docs/settings.md"

// The page is what the table says: `make docs` writes it, by UPDATE_DOCS=1.
func TestSettingsPage(t *testing.T) {
	t.Parallel()
	want := writeSettingsPage()
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(settingsPage, []byte(want), 0o600)) // it is there already, and stays readable
	}
	got, err := os.ReadFile(settingsPage)
	require.NoError(t, err)
	assert.Equal(t, want, string(got), "run make docs")
}

const aboutSettings = `# Settings

Made from the program's table of settings by ` + "`make docs`" + `.

What a program before this one had keeps its name and its meaning; where the meaning differs, [migrating](migrating.md)
says how and why. The last column tells who had it: the original program, its fork, both, or nobody before.

## How they are read

- A flag wins over its variable. An empty variable is none; only of NO_COLOR it is enough that it is there.
- A switch is ` + "`--name`, `--name=true` or `--name=false`" + `; a variable of one is true or false, or 1, 0, t, f. Nothing else is
  taken for either.
- A duration is a number of seconds (30, 1.5) or has units (90s, 12h). One that is negative is refused.
- A list is split at commas and white space, one of ` + "`key=value`" + ` at commas only. Its flag may be given several times.
- A secret may stand in a file: the variable of that name with _FILE behind it holds the path, or the value itself is the
  path of a file that is there. A variable along with its _FILE is refused, as is a file that cannot be read.
- A value that is not accepted is an error that names the setting, the value (of secrets and logins ***) and what is
  accepted. All of them are told at once, nothing is touched, and the exit code is 1.
- Refused together: host and hosts; an interval and a schedule (a variable with the default's 86400 is no interval);
  rolling-restart and monitor-only; json and porcelain; several hosts and porcelain, or an endpoint of the HTTP API other
  than metrics; an endpoint of the HTTP API without a token. And --json but for --run-once and check.
- ` + "`-v`" + ` is --tlsverify, but along with the command check, behind or in front of it, --verbose. There --tlsverify has no short form.
- What is given and has no effect is told in one line at the start, and so is a WATCHTOWER_ variable that is no setting.

Exit codes: 0 when it was ended by SIGTERM or SIGINT, after a single pass or a check in which nothing failed; 1 for
everything else.
`

func writeSettingsPage() string {
	var b strings.Builder
	b.WriteString(aboutSettings)
	group := ""
	for _, row := range table(&settings{}) {
		if row.status != used {
			continue
		}
		if row.group != group {
			group = row.group
			fmt.Fprintf(&b, "\n## %s\n\n| flag | variable | default | meaning | had by |\n|---|---|---|---|---|\n", group)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", flagsOf(row), code(row.env), cell(row.shownDefault()), cell(row.usage), row.has)
	}
	b.WriteString("\n## Accepted and ignored\n\n| flag | variable | it was to | instead | had by |\n|---|---|---|---|---|\n")
	for _, row := range table(&settings{}) {
		if row.status == ignored {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", flagsOf(row), code(row.env), cell(row.usage), cell(row.note), row.has)
		}
	}
	b.WriteString("\n## Not in this release\n\nThey are read and judged, so that what is wrong is known early, and one line says that they have no effect.\n")
	group = ""
	for _, row := range table(&settings{}) {
		if row.status != later {
			continue
		}
		if row.group != group {
			group = row.group
			fmt.Fprintf(&b, "\n%s: %s.\n\n| flag | variable | default | it will be | had by |\n|---|---|---|---|---|\n", group, row.note)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", flagsOf(row), code(row.env), cell(row.shownDefault()), cell(row.usage), row.has)
	}
	b.WriteString("\n## Labels\n\nA value that cannot be read is told, and counts as none; of window and cooldown-delay it may hold the container, which\nit was meant to protect.\n\n" +
		"| label | value | meaning | had by |\n|---|---|---|---|\n")
	for _, l := range labels() {
		usage := l.usage
		if l.status == ignored {
			usage += "; ignored: " + l.note
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", code(l.name), cell(l.value), cell(usage), l.has)
	}
	return b.String()
}

func flagsOf(row setting) string {
	if row.flag == "" {
		return ""
	}
	out := code("--" + row.flag)
	if row.short != "" {
		out += ", " + code("-"+row.short)
	}
	return out
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", `\<`, "*", `\*`, "_", `\_`).Replace(text)
}

// Everything that the original program and its fork read is a row here: none of
// what people have set is unknown, and what does nothing is known by name.
func TestSettingsCoverThePredecessors(t *testing.T) {
	t.Parallel()
	type row struct {
		status status
		note   string
		has    origin
	}
	have := map[string]row{}
	add := func(kind, name string, r row) { have[kind+" "+name] = r }
	for _, s := range table(&settings{}) {
		r := row{s.status, s.note, s.has}
		add("flag", s.flag, r)
		add("short", "-"+s.short, r)
		add("variable", s.env, r)
	}
	for _, l := range labels() {
		add("label", l.name, row{l.status, l.note, l.has})
	}
	file, err := os.Open("testdata/predecessors.txt")
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	count := map[status]int{}
	why := map[status]map[string][]string{ignored: {}, later: {}}
	rows, kinds := 0, map[string]int{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		fields := strings.Split(lines.Text(), " | ")
		require.Len(t, fields, 3, lines.Text())
		name, kind, who := fields[0], fields[1], fields[2]
		r, known := have[kind+" "+name]
		if !assert.True(t, known, "the %s %s of %s is unknown", kind, name, who) {
			continue
		}
		for _, one := range []origin{original, fork} {
			if who == string(one) || who == "both" {
				assert.Contains(t, string(r.has), string(one), "%s %s", kind, name)
			}
		}
		rows++
		kinds[kind]++
		count[r.status]++
		if r.status != used {
			why[r.status][r.note] = append(why[r.status][r.note], name)
		}
	}
	require.NoError(t, lines.Err())
	t.Logf("%d rows (%d flags, %d short flags, %d variables, %d labels): %d implemented, %d accepted and ignored, %d not in this release",
		rows, kinds["flag"], kinds["short"], kinds["variable"], kinds["label"], count[used], count[ignored], count[later])
	for _, s := range []status{ignored, later} {
		for _, note := range slices.Sorted(maps.Keys(why[s])) {
			t.Logf("%s, %d: %s\n\t%s", s, len(why[s][note]), note, strings.Join(why[s][note], " "))
		}
	}
	assert.Equal(t, 246, rows, "the list is whole")
}

// A row says what is to be known of it, and of no name there are two.
func TestSettingsAreWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, row := range table(&settings{}) {
		for _, name := range []string{row.flag, row.env, "-" + row.short} {
			assert.False(t, len(name) > 1 && seen[name], "%s is there twice", name)
			seen[name] = true
		}
		assert.NotEmpty(t, row.kind, row.name())
		assert.NotEmpty(t, row.usage, row.name())
		assert.NotEmpty(t, row.group, row.name())
		assert.Equal(t, row.status == used, row.note == "", row.name())
		if row.set != nil && row.accepted == "" {
			assert.Contains(t, []kind{kindText, kindSecret, kindList, kindNumber}, row.kind, "%s refuses nothing", row.name())
		}
	}
}

// The labels that the library knows are among those of the page.
func TestSettingsPageHasTheLibrarysLabels(t *testing.T) {
	t.Parallel()
	have := labelNames()
	for _, name := range []string{
		filter.EnableLabel, filter.ScopeLabel, watchtower.DependsOnLabel, watchtower.TagPolicyLabel, lifecycle.LabelProbe,
		lifecycle.LabelProbeTimeout, lifecycle.LabelStableTime, lifecycle.LabelUpdateOrder, lifecycle.LabelDropFiles,
		lifecycle.LabelOriginalImage, lifecycle.LabelStopSignal, lifecycle.LabelStopTimeout, lifecycle.LabelInstance,
		watchtower.MonitorOnlyLabel, watchtower.NoPullLabel, gate.WindowLabel, gate.CooldownLabel,
		lifecycle.LabelPreCheck, lifecycle.LabelPostCheck, lifecycle.LabelPreUpdate, lifecycle.LabelPostUpdate,
		lifecycle.LabelPreUpdateTimeout, lifecycle.LabelPostUpdateTimeout, lifecycle.LabelHookUID, lifecycle.LabelHookGID,
	} {
		assert.Contains(t, have, name)
	}
}
