package httpapi

// RoutesForTest are the paths there are, with their methods.
func RoutesForTest() map[string][]string {
	out := map[string][]string{}
	for _, r := range routes {
		out[r.path] = r.methods
	}
	return out
}
