package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is the API's, read again when its file has changed: it is renewed more
// often than a watchtower is restarted.
type certificate struct {
	cert, key string // their files
	logger    *slog.Logger

	mu   sync.Mutex
	last *tls.Certificate
	read time.Time // when its file was written that was read last
	told string    // what was wrong with another one, which every caller meets
}

// get is the last good one.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	info, err := os.Stat(c.cert)
	if err == nil && info.ModTime().Equal(c.read) {
		return c.last, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(c.cert, c.key); err == nil {
			c.last, c.read, c.told = &pair, info.ModTime(), ""
			return c.last, nil
		}
	}
	if c.last == nil {
		return nil, fmt.Errorf("the HTTP API's certificate: %w", err)
	}
	if c.told != err.Error() {
		c.told = err.Error()
		c.logger.Warn("the HTTP API's last good certificate stays in force", "err", err)
	}
	return c.last, nil
}
