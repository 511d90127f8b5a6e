package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/cmd/watchtower/internal/notify"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/filter"
)

const (
	// flushTimeout bounds how long the program's end waits for notifications, and
	// flushHurry the same for one that was told to end: what a container has before it
	// is killed is ten seconds as a rule.
	flushTimeout = 30 * time.Second
	flushHurry   = 5 * time.Second
)

// notifications are what the settings ask for, proven to be usable. All that is wrong
// is in the error.
func (s settings) notifications() (notify.Config, error) {
	n := s.notify
	var errs []error
	cfg := notify.Config{
		Template: n.template, TemplateSetting: s.from("notification-template"),
		Report: n.report, Level: n.level, Delay: time.Duration(n.delay) * time.Second,
		Host: n.hostname, Tag: n.titleTag, NoTitle: n.skipTitle, Split: n.split,
	}
	if cfg.Host == "" {
		cfg.Host, _ = os.Hostname() // a title can do without
	}
	if slices.Contains(n.types, "email") {
		if n.emailDelay > 0 {
			cfg.Delay = time.Duration(n.emailDelay) * time.Second
		}
		if cfg.Tag == "" {
			cfg.Tag = n.emailTag
		}
	}
	if n.templateFile != "" {
		cfg.TemplateSetting = s.from("notification-template-file")
		text, err := os.ReadFile(n.templateFile)
		if err != nil {
			return cfg, errors.Join(append(errs, fmt.Errorf("%s: %w", cfg.TemplateSetting, err))...)
		}
		cfg.Template = string(text)
	}
	for _, u := range n.urls {
		// One without a scheme is refused where it is read.
		if strings.Contains(u.Reveal(), "://") {
			cfg.Services = append(cfg.Services, notify.Service{Setting: s.from("notification-url"), URL: u})
		}
	}
	for _, kind := range unique(n.types) {
		service, err := s.legacyService(kind)
		switch {
		case err != nil:
			errs = append(errs, err)
		case !service.URL.IsZero():
			cfg.Services = append(cfg.Services, service)
		}
	}
	_, err := notify.New(cfg)
	return cfg, errors.Join(append(errs, err)...)
}

// legacyService is one of the kinds from before there were URLs; none for what only
// says that there are.
func (s settings) legacyService(kind string) (notify.Service, error) {
	n := s.notify
	var url credentials.Secret
	var err error
	setting := ""
	switch kind {
	case "email":
		setting = "notification-email-server"
		err = s.wants(kind, map[string]bool{
			"notification-email-from": n.emailFrom != "", "notification-email-to": len(n.emailTo) > 0, setting: n.emailServer != "",
		})
		port := n.emailPort
		if port == 0 {
			port = 25
		}
		url = notify.Email{
			From: n.emailFrom, To: n.emailTo, Server: n.emailServer, Port: port,
			User: n.emailUser, Password: n.emailPassword, Plain: n.emailSkipTLS,
		}.URL()
	case "slack":
		setting = "notification-slack-hook-url"
		if err = s.wants(kind, map[string]bool{setting: !n.slackHook.IsZero()}); err == nil {
			name, icon := n.slackName, n.slackIcon
			if name == "" {
				name = "watchtower"
			}
			if icon == "" {
				icon = n.slackEmoji
			}
			url, err = notify.SlackURL(n.slackHook, name, icon)
			err = named(err, s.from(setting))
		}
	case "msteams":
		setting = "notification-msteams-hook"
		if err = s.wants(kind, map[string]bool{setting: !n.teamsHook.IsZero()}); err == nil {
			url, err = notify.TeamsURL(n.teamsHook)
			err = named(err, s.from(setting))
		}
	case "gotify":
		setting = "notification-gotify-token"
		err = s.wants(kind, map[string]bool{"notification-gotify-url": n.gotifyURL != "", setting: !n.gotifyToken.IsZero()})
		if err == nil {
			url, err = notify.GotifyURL(n.gotifyURL, n.gotifyToken, n.gotifySkipTLS)
			err = named(err, s.from("notification-gotify-url"))
		}
	}
	return notify.Service{Setting: s.from(setting), URL: url}, err
}

// idleNotifications are the settings of kinds that nobody asked for.
func (s settings) idleNotifications() []notice {
	var out []notice
	for _, row := range legacyRows(&settings{}) {
		kind, _, _ := strings.Cut(strings.TrimPrefix(row.flag, "notification-"), "-")
		if source := s.from(row.flag); source != "" && row.status == used && kind != "notifications" && !slices.Contains(s.notify.types, kind) {
			out = append(out, notice{source, "no effect: " + kind + " is not among WATCHTOWER_NOTIFICATIONS"})
		}
	}
	return out
}

func named(err error, setting string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", setting, err)
}

// wants tells which of the settings are missing that the kind cannot do without.
func (s settings) wants(kind string, given map[string]bool) error {
	var missing []string
	for _, row := range legacyRows(&settings{}) {
		if is, asked := given[row.flag]; asked && !is {
			missing = append(missing, row.env)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %s: want %s along with it", s.from("notifications"), kind, strings.Join(missing, ", "))
}

// unique keeps the first of each.
func unique(words []string) []string {
	var out []string
	for _, word := range words {
		if !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	return out
}

// notifying makes what sends notifications an observer of the session, if anybody is to
// be told.
func notifying(se *session, cfg notify.Config) error {
	if len(cfg.Services) == 0 {
		return nil
	}
	meant, err := meantBy(se.settings)
	if err != nil {
		return err
	}
	cfg.Meant, cfg.Logger = meant, se.logger
	if se.settings.notify.stdout && !se.settings.json { // what is there is for programs then
		cfg.Stdout = &lockedWriter{w: se.stdout}
	}
	se.notifiers = notifiers{}
	for _, h := range se.settings.engines() {
		cfg.Engine = h.name
		n, err := notify.New(cfg)
		if err != nil {
			return err
		}
		se.notifiers[h.name] = n
		dir, err := se.settings.stateAt(h)
		if err != nil {
			return err
		}
		if dir == "" {
			continue
		}
		if err := n.Keep(dir); err != nil {
			return fmt.Errorf("%s: %w", se.settings.from("state-dir"), err)
		}
	}
	once, err := watchtower.Once(se.settings.stateDir, se.notifiers, func(err error) {
		se.logger.Warn("what was told may be told again", "err", err)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", se.settings.from("state-dir"), err)
	}
	se.observers = append(se.observers, once)
	return nil
}

// notifiers are those of each engine, by its name: what its passes find is told on its own.
type notifiers map[string]*notify.Notifier

// Observe hands the event to the notifier of its engine.
func (n notifiers) Observe(ctx context.Context, e watchtower.Event) {
	if own := n[watchtower.EventEngine(e)]; own != nil {
		own.Observe(ctx, e)
	}
}

// begun tells that the program has begun, and with what: once, and not of one engine.
func (se session) begun(what string) {
	if len(se.notifiers) == 0 || se.settings.quietStart {
		return
	}
	texts := []string{"Watchtower " + version() + " " + what, "Containers: " + watched(se.settings)}
	if len(se.settings.hosts) > 0 {
		texts = append(texts, fmt.Sprint("Engines: ", se.settings.hosts))
	}
	se.notifiers[se.settings.engines()[0].name].Started(time.Now(), texts...)
}

// farewell delivers what is left to be told.
func (se session) farewell(ctx context.Context) {
	if len(se.notifiers) == 0 {
		return
	}
	lasting, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	// The program may be told to end before, or while it waits.
	defer context.AfterFunc(ctx, func() { time.AfterFunc(flushHurry, cancel) })()
	var ends sync.WaitGroup
	for _, n := range se.notifiers {
		ends.Go(func() { n.Close(lasting) })
	}
	ends.Wait()
}

// meantBy are the containers that the settings mean.
func meantBy(s settings) (func(watchtower.Container) bool, error) {
	names, err := filter.Names(s.names...)
	if err != nil {
		return nil, err
	}
	filters, err := filtersOf(s)
	if err != nil {
		return nil, err
	}
	return func(c watchtower.Container) bool {
		return slices.Contains(statesOf(s), c.State) && names.Match(c) && filter.All(filters...).Match(c)
	}, nil
}
