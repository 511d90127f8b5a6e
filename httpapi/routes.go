package httpapi

import (
	"net/http"
	"slices"
)

// Endpoint is something that is served or not, by the name settings have for it.
type Endpoint string

// The endpoints.
const (
	// Health: /livez, /readyz and /startupz, without a token and without details.
	Health Endpoint = "health"
	// Update: /v1/update, and /v1/updates for what became of one.
	Update Endpoint = "update"
	// Check: /v1/check.
	Check Endpoint = "check"
	// Containers: /v1/containers and /v1/containers/details.
	Containers Endpoint = "containers"
	// Images: /v1/images.
	Images Endpoint = "images"
	// History: /v1/history.
	History Endpoint = "history"
	// Status: /v1/status.
	Status Endpoint = "status"
	// Config: /v1/config.
	Config Endpoint = "config"
	// Events: /v1/events.
	Events Endpoint = "events"
	// Metrics: /v1/metrics.
	Metrics Endpoint = "metrics"
	// Swagger: /v1/openapi.json, without a token.
	Swagger Endpoint = "swagger"
	// Webhook: /v1/webhook, for registries.
	Webhook Endpoint = "webhook"
	// Page: /, a status page for people, without a token until it is typed in. It
	// switches on what it reads: Containers, History, Status and Events; along with
	// Check and Update it has buttons for them.
	Page Endpoint = "page"
)

// Endpoints returns all there are, in the order of the routes.
func Endpoints() []Endpoint {
	var out []Endpoint
	for _, r := range routes {
		if !slices.Contains(out, r.endpoint) {
			out = append(out, r.endpoint)
		}
	}
	return out
}

// access is what a caller must show.
type access int

const (
	withToken access = iota
	withEventsToken
	withSignature // the webhook's, which is of the body
	withNothing
)

// route is a path and what answers there.
type route struct {
	endpoint  Endpoint
	path      string
	methods   []string
	access    access
	unlimited bool // in a minute: who asks in a rhythm is not to be turned away
	serve     func(*Handler, http.ResponseWriter, *http.Request)
}

var (
	get     = []string{http.MethodGet}
	post    = []string{http.MethodPost}
	getPost = []string{http.MethodGet, http.MethodPost}
)

// routes are all there are.
var routes = []route{
	{Health, "/livez", get, withNothing, true, (*Handler).live},
	{Health, "/readyz", get, withNothing, true, (*Handler).ready},
	{Health, "/startupz", get, withNothing, true, (*Handler).startup},
	{Update, "/v1/update", getPost, withToken, false, (*Handler).update},
	{Update, "/v1/updates/{id}", get, withToken, false, (*Handler).updateByID},
	{Check, "/v1/check", getPost, withToken, false, (*Handler).check},
	{Containers, "/v1/containers", get, withToken, false, (*Handler).containers},
	{Containers, "/v1/containers/details", get, withToken, false, (*Handler).containerDetails},
	{Images, "/v1/images", get, withToken, false, (*Handler).images},
	{History, "/v1/history", get, withToken, false, (*Handler).passes},
	{Status, "/v1/status", get, withToken, false, (*Handler).status},
	{Config, "/v1/config", get, withToken, false, (*Handler).showConfig},
	{Events, "/v1/events", get, withEventsToken, false, (*Handler).follow},
	{Metrics, "/v1/metrics", get, withToken, true, (*Handler).showMetrics},
	{Swagger, "/v1/openapi.json", get, withNothing, false, (*Handler).document},
	{Webhook, "/v1/webhook", post, withSignature, false, (*Handler).hook},
	{Page, "/{$}", get, withNothing, false, (*Handler).showPage},
}
