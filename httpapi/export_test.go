package httpapi

// RoutesForTest are the paths there are, with their methods; but for the page, which is
// for people.
func RoutesForTest() map[string][]string {
	out := map[string][]string{}
	for _, r := range routes {
		if r.endpoint == Page {
			continue
		}
		out[r.path] = r.methods
	}
	return out
}

// AddressesForTest is how many callers are known.
func (h *Handler) AddressesForTest() int {
	h.limiter.mu.Lock()
	defer h.limiter.mu.Unlock()
	return len(h.limiter.buckets)
}

// JudgedForTest is how many containers are kept what was last said of.
func (h *Handler) JudgedForTest() int {
	history := &h.books.of("").history
	history.mu.Lock()
	defer history.mu.Unlock()
	return len(history.latest)
}
