package sweep_test

import (
	"fmt"

	"github.com/watchtower-go/watchtower/internal/enginehost"
	"github.com/watchtower-go/watchtower/lifecycle"
)

type object = enginehost.Object

// The networks of the scenario that has two.
const (
	frontNet, frontSubnet = "sweep-front", "10.201.0.0/16"
	backNet, backSubnet   = "sweep-back", "10.202.0.0/16"
)

// scenario is a kind of container, or of several that are updated together.
type scenario struct {
	name    string
	always  bool // not only when everything is swept
	rolling bool
	members []member
}

// member is one container.
type member struct {
	suffix string // of its name
	state  lifecycle.State
	// fresh: there is no new image for it.
	fresh bool
	// parent is the suffix of the one whose network it lives in.
	parent string
	// alias is what it is called on a second network; empty: it is on none.
	alias string
	// dies: if the engine dies, it does.
	dies bool
	// body adds to the create call; run is a number no other run has.
	body func(run int) object
}

func scenarios() []scenario {
	plain := member{state: lifecycle.StateRunning}
	in := func(state lifecycle.State) []member { return []member{{state: state}} }
	return []scenario{
		{name: "plain", always: true, members: []member{plain}},
		{name: "networks", always: true, members: []member{{state: lifecycle.StateRunning, body: twoNetworks, alias: "back"}}},
		{name: "group", members: []member{
			{suffix: "-parent", state: lifecycle.StateRunning},
			{suffix: "-child", state: lifecycle.StateRunning, fresh: true, parent: "-parent"},
		}},
		{name: "rm", members: []member{{state: lifecycle.StateRunning, body: with("AutoRemove", true)}}},
		{name: "stopped", members: in(lifecycle.StateExited)},
		{name: "created", members: in(lifecycle.StateCreated)},
		{name: "paused", members: in(lifecycle.StatePaused)},
		{name: "always", members: []member{{state: lifecycle.StateRunning, body: with("RestartPolicy", object{"Name": "always"})}}},
		{name: "start-first", members: []member{{state: lifecycle.StateRunning, body: besideNetworks, alias: "back"}}},
		{name: "rolling", rolling: true, members: []member{
			{suffix: "-a", state: lifecycle.StateRunning}, {suffix: "-b", state: lifecycle.StateRunning},
		}},
	}
}

// with sets one thing of the host's side.
func with(key string, value any) func(int) object {
	return func(int) object { return object{"HostConfig": object{key: value}} }
}

// twoNetworks has a static address in the first.
func twoNetworks(run int) object {
	return object{
		"HostConfig": object{"NetworkMode": frontNet},
		"NetworkingConfig": object{"EndpointsConfig": object{
			frontNet: object{"IPAMConfig": object{"IPv4Address": address(run)}, "Aliases": []string{"front"}},
		}},
	}
}

// besideNetworks is updated start-first, and found by aliases on two networks.
func besideNetworks(int) object {
	return object{
		"Labels":     object{lifecycle.LabelUpdateOrder: lifecycle.StartFirst},
		"HostConfig": object{"NetworkMode": frontNet},
		"NetworkingConfig": object{"EndpointsConfig": object{
			frontNet: object{"Aliases": []string{"front"}},
		}},
	}
}

func address(run int) string { return fmt.Sprintf("10.201.%d.%d", 10+run/200, 10+run%200) }
