package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// offerTime is how long the file that notify-upgrade writes is there to be fetched.
const offerTime = 5 * time.Minute

// notifyUpgrade is a command of both predecessors: it turns the old settings of
// notifications into the one variable that holds URLs.
func (p *program) notifyUpgrade() *cobra.Command {
	return &cobra.Command{
		Use:   "notify-upgrade",
		Short: "Turn the old settings of notifications into WATCHTOWER_NOTIFICATION_URL",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := read(p.values, cmd.Flags().Changed, p.env)
			cfg, notifyErr := s.notifications()
			if err = errors.Join(err, notifyErr); err != nil {
				return err
			}
			var urls []string
			for _, service := range cfg.Services {
				urls = append(urls, service.URL.Reveal())
			}
			if len(urls) == 0 {
				return errors.New("notify-upgrade: no notifications are set: want WATCHTOWER_NOTIFICATIONS and what belongs to it")
			}
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return offer(ctx, p.stdout, "WATCHTOWER_NOTIFICATION_URL="+strings.Join(urls, " ")+"\n", offerTime)
		},
	}
}

// offer writes the text, which holds secrets and is shown nowhere, into a file that only
// its owner can read, and removes it in the end.
func offer(ctx context.Context, out io.Writer, text string, d time.Duration) (err error) {
	file, err := os.CreateTemp(".", "watchtower-notification-urls-")
	if err != nil {
		if file, err = os.CreateTemp("", "watchtower-notification-urls-"); err != nil {
			return fmt.Errorf("notify-upgrade: %w", err)
		}
	}
	path, err := filepath.Abs(file.Name())
	if err != nil {
		path = file.Name()
	}
	defer func() { err = errors.Join(err, os.Remove(path)) }()
	_, err = io.WriteString(file, text)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("notify-upgrade: %w", err)
	}
	container, err := os.Hostname() // which is its short ID, if nobody said otherwise
	if err != nil {
		container = "CONTAINER"
	}
	_, _ = fmt.Fprintf(out, `The settings of notifications as one variable stand in %s.
Fetch it from the host, and use it in place of WATCHTOWER_NOTIFICATIONS and what belongs to it:

  docker cp %s:%s ./watchtower-notifications.env

The file holds secrets. It is removed after %v, or with Ctrl-C.
`, path, container, path, d)
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
	return nil
}
