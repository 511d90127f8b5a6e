package registrytest

import (
	"net/http"
	"strconv"
)

const typeJSON = "application/json"

// reply is an answer that is ready to be sent.
type reply struct {
	status    int // 200 if 0
	mediaType string
	body      []byte
	headers   [][2]string
}

func (out reply) with(name, value string) reply {
	out.headers = append(out.headers, [2]string{name, value})
	return out
}

// failure is an error in the specification's form.
func failure(status int, code, message string) reply {
	return reply{
		status: status, mediaType: typeJSON,
		body: encode(object{"errors": []object{{"code": code, "message": message}}}),
	}
}

func (out reply) send(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Docker-Distribution-Api-Version", "registry/2.0")
	header.Set("Content-Length", strconv.Itoa(len(out.body)))
	if out.mediaType != "" {
		header.Set("Content-Type", out.mediaType)
	}
	for _, h := range out.headers {
		header.Add(h[0], h[1])
	}
	w.WriteHeader(max(out.status, http.StatusOK))
	_, _ = w.Write(out.body)
}
