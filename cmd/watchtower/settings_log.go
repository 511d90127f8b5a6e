package main

import (
	"log/slog"
	"strconv"
	"strings"
)

func logRows(s *settings) []setting {
	const formats = "auto, logfmt, pretty or json"
	return []setting{
		{
			flag: "log-level", env: "WATCHTOWER_LOG_LEVEL", target: level(&s.logLevel), def: "info", has: originFork,
			usage: wantLevel,
		},
		{
			flag: "debug", short: "d", env: "WATCHTOWER_DEBUG", target: toggle(&s.debug), has: originFork,
			usage: "log level debug",
		},
		{
			flag: "trace", env: "WATCHTOWER_TRACE", target: toggle(&s.trace), has: originFork,
			usage: "log level trace",
		},
		{
			flag: "log-format", short: "l", env: "WATCHTOWER_LOG_FORMAT", def: "auto", has: originFork,
			target: choice(&s.format, formats, "auto", "logfmt", "pretty", "json"), usage: formats,
		},
		{
			flag: "no-color", env: "NO_COLOR", target: toggle(&s.noColor), has: originFork,
			usage: "no colours on a terminal",
		},
		{env: "CLICOLOR", target: others(&s.noColor, "0"), has: original, usage: "0: the same"},
		{env: "CLICOLOR_FORCE", target: others(&s.forceColor, "1"), has: original, usage: "1: colours also where there is no terminal, with the pretty format"},
		{
			flag: "no-startup-message", env: "WATCHTOWER_NO_STARTUP_MESSAGE", target: toggle(&s.quietStart), has: originFork,
			usage: "say nothing at the start",
		},
		{
			flag: "porcelain", short: "P", env: "WATCHTOWER_PORCELAIN", target: choice(&s.porcelain, "v1 or json", "v1", "json"), has: originFork,
			usage: "print the result of each pass for programs: v1 or json",
		},
		{
			flag: "audit-log", env: "WATCHTOWER_AUDIT_LOG", target: text(&s.auditLog),
			usage: "file to which a line of JSON is appended for each step of each swap, and what else is done",
		},
		{
			flag: "json", target: toggle(&s.json),
			usage: "with --run-once or the command check: print the whole report as JSON",
		},
	}
}

func level(field *slog.Level) target {
	return target{kindChoice, wantLevel, func(text string) error {
		level, ok := levels[strings.ToLower(strings.TrimSpace(text))]
		*field = level
		if !ok {
			return errValue
		}
		return nil
	}}
}

// level is the lowest that was asked for: the switches win over the setting.
func (s settings) level() slog.Level {
	switch {
	case s.trace:
		return levelTrace
	case s.debug:
		return min(s.logLevel, slog.LevelDebug)
	default:
		return s.logLevel
	}
}

// live reports whether lines may be written over on a terminal: neither those that
// programs read are, nor what would stand among them.
func (s settings) live() bool {
	return s.format != "json" && s.format != "logfmt" && s.porcelain == ""
}

// tabled reports whether a table is wanted when a pass ends: not by who is given the
// report, nor by who wants to hear only of what is wrong.
func (s settings) tabled() bool { return !s.json && s.level() <= slog.LevelInfo }

// others is a switch of others: a number, on or off. What is none says nothing.
func others(field *bool, on string) target {
	return target{kindNumber, "", func(text string) error {
		if n, err := strconv.Atoi(text); err == nil && (n != 0) == (on != "0") {
			*field = true
		}
		return nil
	}}
}
