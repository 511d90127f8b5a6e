package lifecycle

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Document is a JSON object of the engine's API, decoded with numbers kept as
// json.Number, so that nothing is lost between an inspect and a create.
type Document map[string]any

// ParseDocument decodes one JSON object. It returns nil for "null".
func ParseDocument(data []byte) (Document, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var d Document
	if err := dec.Decode(&d); err != nil {
		return nil, err
	}
	return d, nil
}

// Clone returns a deep copy.
func (d Document) Clone() Document {
	if d == nil {
		return nil
	}
	return cloneValue(map[string]any(d)).(map[string]any)
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case Document:
		return cloneValue(map[string]any(v))
	case map[string]any:
		m := maps.Clone(v)
		for k := range m {
			m[k] = cloneValue(m[k])
		}
		return m
	case []any:
		s := make([]any, len(v))
		for i := range v {
			s[i] = cloneValue(v[i])
		}
		return s
	case []string:
		return slices.Clone(v)
	default:
		return v
	}
}

// Text returns the string at key, or "".
func (d Document) Text(key string) string {
	s, _ := d[key].(string)
	return s
}

// Flag returns the boolean at key, or false.
func (d Document) Flag(key string) bool {
	b, _ := d[key].(bool)
	return b
}

// Object returns the object at key, or nil. It is the document's own, not a
// copy.
func (d Document) Object(key string) Document {
	switch v := d[key].(type) {
	case Document:
		return v
	case map[string]any:
		return v
	default:
		return nil
	}
}

// Texts returns the strings of the array at key; values that are not strings
// are left out.
func (d Document) Texts(key string) []string {
	if texts, ok := d[key].([]string); ok { // as programs write them
		return slices.Clone(texts)
	}
	list, _ := d[key].([]any)
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// anyTexts are strings as a document holds them.
func anyTexts(texts []string) []any {
	out := make([]any, len(texts))
	for i, text := range texts {
		out[i] = text
	}
	return out
}

func afterLast(s, sep string) string {
	return s[strings.LastIndex(s, sep)+1:]
}
