package httpapi

import (
	_ "embed"
	"net/http"
	"slices"
)

//go:embed openapi.json
var openAPI []byte

// Document is the OpenAPI 3 document of the API, as /v1/openapi.json serves it.
func Document() []byte { return slices.Clone(openAPI) }

func (h *Handler) document(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(openAPI) // to a caller who may have gone
}
