package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is what most terminals and pagers show of a line, or more.
const helpWidth = 110

// help is the row's line.
func (row setting) help() string {
	text := row.usage
	if def := row.shownDefault(); def != "" && def != "false" {
		text += fmt.Sprintf(" (default %s)", def)
	}
	if row.env != "" {
		text += fmt.Sprintf(" [%s]", row.env)
	}
	// What stands in these quotes would be taken for the name of the value.
	return strings.ReplaceAll(text, "`", "'")
}

// usage prints the flags in the table's groups; what has no effect, by name only.
func usage(cmd *cobra.Command) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage:\n  %s\n", cmd.UseLine())
	if cmd.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasParent() {
		fmt.Fprintf(&b, "\nFlags:\n%s\nAnd those of watchtower --help.\n", cmd.LocalFlags().FlagUsagesWrapped(helpWidth))
	} else {
		writeCommands(&b, cmd)
		writeSettings(&b, cmd)
	}
	// pflag's way to say that a switch needs no value, which goes without saying.
	_, err := io.WriteString(cmd.OutOrStderr(), strings.ReplaceAll(b.String(), "[=true|false]", ""))
	return err
}

func writeCommands(b *strings.Builder, root *cobra.Command) {
	b.WriteString("\nCommands:\n")
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			fmt.Fprintf(b, "  %-12s %s\n", c.Name(), c.Short)
		}
	}
}

func writeSettings(b *strings.Builder, root *cobra.Command) {
	group, flags := "", newFlags()
	var variables, without []string
	flush := func() {
		if flags.HasFlags() {
			fmt.Fprintf(b, "\n%s:\n%s", group, flags.FlagUsagesWrapped(helpWidth))
		}
		flags = newFlags()
	}
	for _, row := range table(&settings{}) {
		if row.group != group {
			flush()
			group = row.group
		}
		switch {
		case row.flag == "" && row.status == used:
			variables = append(variables, row.env)
		case row.flag == "":
		case row.status == used:
			flags.AddFlag(root.Flags().Lookup(row.flag))
		default:
			without = append(without, "--"+row.flag)
		}
	}
	flush()
	fmt.Fprintf(b, "\nVariables without a flag:\n%s", wrapped(variables))
	fmt.Fprintf(b, "\nAccepted for the sake of those who had them, without effect in this release:\n%s", wrapped(without))
	fmt.Fprintf(b, "\nOthers:\n%s", asides(root).FlagUsagesWrapped(helpWidth))
}

// asides are the flags that are no settings.
func asides(root *cobra.Command) *pflag.FlagSet {
	flags := newFlags()
	root.Flags().VisitAll(func(flag *pflag.Flag) {
		if root.PersistentFlags().Lookup(flag.Name) == nil {
			flags.AddFlag(flag)
		}
	})
	return flags
}

func newFlags() *pflag.FlagSet {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.SortFlags = false
	return flags
}

// wrapped breaks the words into lines.
func wrapped(words []string) string {
	var b strings.Builder
	line := " "
	for _, word := range words {
		if len(line)+1+len(word) > helpWidth {
			b.WriteString(line + "\n")
			line = " "
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
	return b.String()
}
