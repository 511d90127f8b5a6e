package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/containerd/errdefs"

	"github.com/watchtower-go/watchtower/lifecycle"
)

func createCases() []oneCase {
	return []oneCase{
		{"create/it is not started", func(ctx context.Context, c *trial) {
			id := c.container(ctx, "web", c.Images.Runs, lifecycle.Spec{})
			c.expect(fullID.MatchString(id), "the ID is %q, want 64 hexadecimal digits", id)
			c.state(ctx, id, lifecycle.StateCreated)
		}},
		{"create/on the image's platform", func(ctx context.Context, c *trial) {
			image := c.image(ctx, c.Images.Runs)
			id, err := c.Engine.Create(ctx, lifecycle.CreateOptions{
				Name: namePrefix + "web", Platform: image.Platform, Spec: lifecycle.Spec{Config: lifecycle.Document{"Image": c.Images.Runs}},
			})
			c.done("create", err)
			c.made = append(c.made, id)
			c.expect(c.inspect(ctx, id).ImageID == image.ID, "it is of another image")
		}},
		{"create/a name that is taken", func(ctx context.Context, c *trial) {
			first := c.container(ctx, "web", c.Images.Runs, lifecycle.Spec{})
			before := c.names(ctx)
			_, err := c.create(ctx, "web", c.Images.Runs, lifecycle.Spec{})
			c.conflict("create", err)
			c.expect(slices.Equal(c.names(ctx), before), "there was %v, and now is %v", before, c.names(ctx))
			c.expect(c.inspect(ctx, namePrefix+"web").ID == first, "the name has changed hands")
		}},
		{"create/one name, many at once", func(ctx context.Context, c *trial) {
			c.image(ctx, c.Images.Runs)
			ids, errs := make([]string, 4), make([]error, 4)
			var group sync.WaitGroup
			for i := range ids {
				group.Go(func() {
					ids[i], errs[i] = c.Engine.Create(ctx, lifecycle.CreateOptions{
						Name: namePrefix + "web", Spec: lifecycle.Spec{Config: lifecycle.Document{"Image": c.Images.Runs}},
					})
				})
			}
			group.Wait()
			for i, err := range errs {
				if err == nil {
					c.made = append(c.made, ids[i])
					continue
				}
				c.conflict("create", err)
			}
			c.expect(len(c.made) == 1, "%d of %d have the name, want one", len(c.made), len(ids))
		}},
		{"create/an image that is not there", func(ctx context.Context, c *trial) {
			_, err := c.create(ctx, "web", c.Images.Missing, lifecycle.Spec{})
			c.notFound("create", err)
			_, err = c.Engine.Inspect(ctx, namePrefix+"web")
			c.notFound("inspect afterwards", err)
		}},
		{"create/a name that is none", func(ctx context.Context, c *trial) {
			c.image(ctx, c.Images.Runs)
			_, err := c.create(ctx, "a b", c.Images.Runs, lifecycle.Spec{})
			c.invalid("create", err)
		}},
		{"create/what is asked of the process", func(ctx context.Context, c *trial) {
			snap := c.inspect(ctx, c.container(ctx, "web", c.Images.Runs, lifecycle.Spec{Config: lifecycle.Document{
				"Hostname": "host", "User": "1:2", "StopSignal": "1", "StopTimeout": json.Number("7"), "Entrypoint": []any{"/bin/sh"},
				"Cmd": []any{"-c", "true"}, "Labels": map[string]any{"conform": "own"},
			}}))
			for key, want := range map[string]string{
				"Hostname": "host", "User": "1:2", "StopSignal": "1", "StopTimeout": "7", "Entrypoint": "[/bin/sh]", "Cmd": "[-c true]",
			} {
				got := fmt.Sprint(snap.Config[key])
				c.expect(got == want, "%s is %s, want %s", key, got, want)
			}
			c.expect(snap.Labels["conform"] == "own", "the label is %q, want its own before its image's", snap.Labels["conform"])
		}},
		{"create/what is asked of the host", func(ctx context.Context, c *trial) {
			want := map[string]string{
				"ExtraHosts": "[a:10.0.0.1]", "OomScoreAdj": "10", "ShmSize": "1048576", "ReadonlyRootfs": "true",
				"CapDrop": "[NET_RAW]", "Dns": "[10.0.0.2]", "GroupAdd": "[5]",
			}
			snap := c.inspect(ctx, c.container(ctx, "web", c.Images.Runs, lifecycle.Spec{HostConfig: lifecycle.Document{
				"ExtraHosts": []any{"a:10.0.0.1"}, "OomScoreAdj": json.Number("10"), "ShmSize": json.Number("1048576"),
				"ReadonlyRootfs": true, "CapDrop": []any{"NET_RAW"}, "Dns": []any{"10.0.0.2"}, "GroupAdd": []any{"5"},
				"RestartPolicy": map[string]any{"Name": "on-failure", "MaximumRetryCount": json.Number("2")},
			}}))
			for key, want := range want {
				got := fmt.Sprint(snap.HostConfig[key])
				c.expect(got == want, "%s is %s, want %s", key, got, want)
			}
			policy := snap.HostConfig.Object("RestartPolicy")
			c.expect(policy.Text("Name") == "on-failure" && fmt.Sprint(policy["MaximumRetryCount"]) == "2", "RestartPolicy is %v", policy)
		}},
		{"create/numbers stay exact", func(ctx context.Context, c *trial) {
			const want = "9007199254740993" // 2⁵³ + 1 is no float
			id := c.container(ctx, "web", c.Images.Runs, lifecycle.Spec{HostConfig: lifecycle.Document{"Memory": json.Number(want)}})
			got := fmt.Sprint(c.inspect(ctx, id).HostConfig["Memory"])
			c.expect(got == want, "its memory is %s, want %s", got, want)
		}},
		{"create/an anonymous volume by its name", func(ctx context.Context, c *trial) {
			volume := c.volume(ctx, c.container(ctx, "web", c.Images.Volume, lifecycle.Spec{})).Name
			next := c.container(ctx, "next", c.Images.Volume, lifecycle.Spec{HostConfig: lifecycle.Document{"Binds": []any{volume + ":/data"}}})
			c.expect(c.volume(ctx, next).Name == volume, "it has another volume")
		}},
		{"create/with several networks", func(ctx context.Context, c *trial) {
			c.need(len(c.Networks) > 1, "the harness names no two networks")
			id := c.container(ctx, "web", c.Images.Runs, lifecycle.Spec{
				HostConfig: lifecycle.Document{"NetworkMode": c.Networks[0]},
				Networks: map[string]lifecycle.Document{
					c.Networks[0]: {"Aliases": []any{"one"}}, c.Networks[1]: {"Aliases": []any{"two"}},
				},
			})
			look := func(when string) {
				snap := c.inspect(ctx, id)
				for i, alias := range []string{"one", "two"} {
					got := snap.Networks[c.Networks[i]].Texts("Aliases")
					c.expect(slices.Contains(got, alias), "%s: on %s its aliases are %v, want %s", when, c.Networks[i], got, alias)
				}
				c.expect(len(snap.Networks) == 2, "%s: it is on %d networks, want 2", when, len(snap.Networks))
			}
			look("created")
			c.done("start", c.Engine.Start(ctx, id))
			look("started")
		}},
	}
}

// names are the names and IDs of the cases' containers, sorted.
func (c *trial) names(ctx context.Context) (out []string) {
	list, err := c.Engine.Containers(ctx)
	c.done("list the containers", err)
	for _, e := range list {
		if strings.HasPrefix(e.Name, namePrefix) {
			out = append(out, e.Name+" "+e.ID)
		}
	}
	slices.Sort(out)
	return out
}

func renameCases() []oneCase {
	return []oneCase{
		{"rename/it is the same container", func(ctx context.Context, c *trial) {
			id := c.container(ctx, "web", c.Images.Runs, lifecycle.Spec{})
			c.done("rename", c.Engine.Rename(ctx, namePrefix+"web", namePrefix+"www"))
			c.expect(c.inspect(ctx, id).Name == namePrefix+"www", "it has its former name")
			c.expect(c.inspect(ctx, namePrefix+"www").ID == id, "it has another ID")
			c.container(ctx, "web", c.Images.Runs, lifecycle.Spec{}) // the name is free
		}},
		{"rename/while it runs", func(ctx context.Context, c *trial) {
			id := c.run(ctx, "web", c.Images.Runs)
			started := c.inspect(ctx, id).Status.StartedAt
			c.done("rename", c.Engine.Rename(ctx, id, namePrefix+"www"))
			snap := c.inspect(ctx, namePrefix+"www")
			c.expect(snap.ID == id && snap.State == lifecycle.StateRunning && snap.Status.StartedAt.Equal(started), "it is %+v", snap.Container)
			c.expect(c.listed(ctx, id).Name == namePrefix+"www", "the list has its former name")
		}},
		{"rename/a name that is taken", func(ctx context.Context, c *trial) {
			c.container(ctx, "web", c.Images.Runs, lifecycle.Spec{})
			id := c.container(ctx, "other", c.Images.Runs, lifecycle.Spec{})
			before := c.names(ctx)
			c.conflict("rename", c.Engine.Rename(ctx, id, namePrefix+"web"))
			c.expect(slices.Equal(c.names(ctx), before), "there was %v, and now is %v", before, c.names(ctx))
		}},
		{"rename/its own name", func(ctx context.Context, c *trial) {
			id := c.container(ctx, "web", c.Images.Runs, lifecycle.Spec{})
			err := c.Engine.Rename(ctx, id, namePrefix+"web")
			c.expect(err == nil || errdefs.IsInvalidArgument(err) || errdefs.IsConflict(err), "rename: want none, InvalidArgument or Conflict, got %v", err)
			c.expect(c.inspect(ctx, id).Name == namePrefix+"web", "it has another name")
		}},
		{"rename/by a former name", func(ctx context.Context, c *trial) {
			id := c.container(ctx, "web", c.Images.Runs, lifecycle.Spec{})
			c.done("rename", c.Engine.Rename(ctx, id, namePrefix+"www"))
			c.notFound("rename", c.Engine.Rename(ctx, namePrefix+"web", namePrefix+"wow"))
			c.expect(c.inspect(ctx, id).Name == namePrefix+"www", "it has another name")
		}},
	}
}
