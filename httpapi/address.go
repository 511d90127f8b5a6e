package httpapi

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// address is the caller's. Only proxies that are trusted are believed about it.
func (h *Handler) address(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := at.Addr().Unmap().WithZone("")
	if !h.trusts(addr) {
		return addr
	}
	said := strings.Split(strings.Join(r.Header.Values(h.cfg.proxyHeader), ","), ",")
	for _, text := range slices.Backward(said) {
		before, ok := toldAddress(strings.TrimSpace(text))
		if !ok {
			return addr
		}
		if addr = before.Unmap().WithZone(""); !h.trusts(addr) {
			return addr
		}
	}
	return addr
}

// toldAddress is one with or without a port, which some proxies tell along.
func toldAddress(text string) (netip.Addr, bool) {
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr(), true
	}
	a, err := netip.ParseAddr(text)
	return a, err == nil
}

func (h *Handler) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(h.cfg.proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

const (
	// maxAddresses bounds how many callers are known at a time. Whoever has more addresses
	// than that is not held by a limit for each, and nobody is refused for their sake.
	maxAddresses = 10_000
	// roomAtOnce is how many are forgotten at least where there are too many: to look at
	// all of them for each who comes would help whoever floods.
	roomAtOnce = maxAddresses / 10
)

// limiter lets each address have so many requests a minute.
type limiter struct {
	perMinute int

	mu      sync.Mutex
	buckets map[netip.Addr]bucket
}

// bucket is what was left at a time.
type bucket struct {
	left float64
	at   time.Time
}

// now is what is left at another one.
func (b bucket) now(now time.Time, perMinute int) float64 {
	return min(float64(perMinute), b.left+now.Sub(b.at).Minutes()*float64(perMinute))
}

// network is whom an address is counted as.
func network(a netip.Addr) netip.Addr {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

// has reports whether the address may have one more, which it does not take.
func (l *limiter) has(a netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[network(a)]
	return !known || b.now(time.Now(), l.perMinute) >= 1
}

// take reports whether the address may have one more.
func (l *limiter) take(a netip.Addr) bool {
	a = network(a)
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[a]
	if !known {
		l.makeRoom(now)
		b = bucket{float64(l.perMinute), now}
	}
	left := b.now(now, l.perMinute)
	if left < 1 {
		l.buckets[a] = bucket{left, now}
		return false
	}
	l.buckets[a] = bucket{left - 1, now}
	return true
}

// makeRoom forgets those who have all their requests again, and if that is not enough
// anybody, who has them all anew.
func (l *limiter) makeRoom(now time.Time) {
	if l.buckets == nil {
		l.buckets = map[netip.Addr]bucket{}
	}
	if len(l.buckets) < maxAddresses {
		return
	}
	for a, b := range l.buckets {
		if b.now(now, l.perMinute) >= float64(l.perMinute) {
			delete(l.buckets, a)
		}
	}
	for a := range l.buckets {
		if len(l.buckets) <= maxAddresses-roomAtOnce {
			return
		}
		delete(l.buckets, a)
	}
}
