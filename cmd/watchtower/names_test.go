package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/filter"
)

// A pass for some containers does not show that others are not there.
func TestANameIsLookedForAmongAllContainers(t *testing.T) {
	t.Parallel()
	names, err := filter.Names("web", "db")
	require.NoError(t, err)
	var told []string
	n := newNameWarner(names, 1, func(name string) { told = append(told, name) })
	report := &watchtower.Report{Entries: []watchtower.Entry{{Container: watchtower.Container{Name: "web"}}}, Partial: true}
	n.Observe(t.Context(), watchtower.PassEnded{Report: report})
	assert.Empty(t, told)
	report.Partial = false
	n.Observe(t.Context(), watchtower.PassEnded{Report: report})
	n.Observe(t.Context(), watchtower.PassEnded{Report: report})
	assert.Equal(t, []string{"db"}, told)
}
