package main

import (
	"fmt"
	"maps"
	"slices"
)

// conflicts are the settings that do not go together.
func (s settings) conflicts() []error {
	var errs []error
	both := func(a, b, why string) {
		errs = append(errs, fmt.Errorf("%s and %s: want one of them%s", s.from(a), s.from(b), why))
	}
	// A variable that says what the default is has never stood in a schedule's way.
	if (s.byFlag("interval") || s.interval != defaultInterval) && s.schedule != "" {
		both("interval", "schedule", "")
	}
	if s.from("host") != "" && s.from("hosts") != "" {
		both("host", "hosts", ": the list names all engines")
	}
	if s.many() && s.porcelain != "" {
		both("porcelain", "hosts", ": it does not tell engines apart, as --json does")
	}
	if s.json && s.porcelain != "" {
		both("json", "porcelain", "")
	}
	if s.rolling && s.monitorOnly {
		both("rolling-restart", "monitor-only", ": what is only watched is not restarted")
	}
	return append(errs, s.apiConflicts()...)
}

// remarks are the settings that do less than they seem to, without another.
func (s settings) remarks() []notice {
	var out []notice
	if s.runOnce && s.cooldown > 0 && s.stateDir == "" {
		out = append(out, notice{
			s.from("cooldown-delay"),
			"each single pass begins the wait anew, and nothing new is ever used: want a state-dir along with it",
		})
	}
	if s.revive && !s.includeStopped {
		out = append(out, notice{s.from("revive-stopped"), "what is stopped is not watched: want include-stopped along with it"})
	}
	return out
}

// apiConflicts are about what must not be open to everybody.
func (s settings) apiConflicts() []error {
	var errs []error
	on := map[string]string{} // what is on, and who said so
	for name, is := range map[string]bool{"update": s.api.update, "metrics": s.api.metrics, "containers": s.api.containers} {
		if is {
			on[name] = s.from("http-api-" + name)
		}
	}
	for _, name := range s.api.endpoints {
		if name == allEndpoints {
			if len(s.api.endpoints) > 1 {
				errs = append(errs, fmt.Errorf("%s: want %q alone", s.from("http-api-endpoints"), allEndpoints))
			}
			on["events"] = s.from("http-api-endpoints")
		}
		on[name] = s.from("http-api-endpoints")
	}
	free := []string{"health", "swagger", "events", "webhook"} // they tell nothing, or have a token of their own
	for _, name := range slices.Sorted(maps.Keys(on)) {
		if !slices.Contains(free, name) && s.api.token.IsZero() {
			errs = append(errs, fmt.Errorf("%s: want a token along with it, in WATCHTOWER_HTTP_API_TOKEN", on[name]))
			break
		}
	}
	if on["events"] != "" && s.api.eventsToken.IsZero() {
		errs = append(errs, fmt.Errorf("%s: want a token for events along with it, in WATCHTOWER_HTTP_API_EVENTS_TOKEN", on["events"]))
	}
	if on["webhook"] != "" && s.api.webhookSecret.IsZero() {
		errs = append(errs, fmt.Errorf("%s: want a secret for webhooks along with it, in WATCHTOWER_HTTP_API_WEBHOOK_SECRET", on["webhook"]))
	}
	if (s.api.certificate == "") != (s.api.key == "") {
		errs = append(errs, fmt.Errorf("%s: want --http-api-tls-cert and --http-api-tls-key, or neither",
			s.from("http-api-tls-cert")+s.from("http-api-tls-key")))
	}
	return errs
}

// from is the flag or variable that gave the setting; empty if it was not given.
func (s settings) from(name string) string { return s.given[name] }

func (s settings) byFlag(name string) bool { return s.given[name] == "--"+name }
