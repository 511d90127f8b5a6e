package lifecycle

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAmbiguitiesAreTheValuesThatTheNewImageChanges(t *testing.T) {
	t.Parallel()
	old := Image{Config: doc(t, `{"Env":["PATH=/bin","MODE=old","SAME=1","GONE=1"],"User":"app","WorkingDir":"/old","Cmd":["old"],
		"Entrypoint":["/e"],"Labels":{"v":"1","org.opencontainers.image.version":"1"},"ExposedPorts":{"80/tcp":{}},"Healthcheck":{"Test":["CMD","x"],"Interval":1000}}`)}
	next := Image{Config: doc(t, `{"Env":["PATH=/bin","MODE=new","SAME=1","NEW=1"],"User":"root","WorkingDir":"/new","Cmd":["new"],
		"Entrypoint":["/e"],"Labels":{"v":"2","w":"1"},"Healthcheck":{"Test":["CMD","x"],"Interval":2000}}`)}
	container := Snapshot{Config: doc(t, `{"Env":["MINE=1","PATH=/bin","MODE=old","SAME=1","GONE=1"],"User":"app","WorkingDir":"/mine",
		"Cmd":["old"],"Entrypoint":["/e"],"Labels":{"v":"1","org.opencontainers.image.version":"1","com.centurylinklabs.watchtower.swap.of":"x"},"ExposedPorts":{"80/tcp":{}},
		"Healthcheck":{"Test":["CMD","x"],"Interval":1000}}`)}
	var got []string
	for _, a := range Ambiguities(container, old, next) {
		got = append(got, a.String())
	}
	assert.Equal(t, []string{
		`Config.Cmd: ["old"] is the old image's default, becomes ["new"]`,
		`Config.Env.GONE: "1" is the old image's default, becomes null`,
		`Config.Env.MODE: "old" is the old image's default, becomes "new"`,
		`Config.ExposedPorts.80/tcp: true is the old image's default, becomes null`,
		`Config.Healthcheck.Interval: 1000 is the old image's default, becomes 2000`,
		`Config.Labels.v: "1" is the old image's default, becomes "2"`,
		`Config.User: "app" is the old image's default, becomes "root"`,
	}, got)
	assert.Empty(t, Ambiguities(container, old, old), "an image that changes nothing")
}
