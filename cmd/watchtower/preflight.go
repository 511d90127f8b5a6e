package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/containerd/errdefs"
	"github.com/spf13/cobra"

	"github.com/watchtower-go/watchtower"
	"github.com/watchtower-go/watchtower/credentials"
	"github.com/watchtower-go/watchtower/lifecycle"
	"github.com/watchtower-go/watchtower/lifecycle/dockerengine"
)

// trialWithin bounds one question to the engine.
const trialWithin = 10 * time.Second

// addPreflight adds the subcommand.
func (p *program) addPreflight(root *cobra.Command) {
	root.AddCommand(&cobra.Command{
		Use:   "preflight",
		Short: "Show what this process may do, and whether the settings ask for more",
		Long: `Show what this process may do: at the engine, or at the socket proxy that stands
before it, with every call that an update makes. Each is tried in a way that can
change nothing. 0 if all that the settings ask for can be done, else 1 and a line
for each thing that cannot.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := read(p.values, cmd.Flags().Changed, p.env)
			if err != nil {
				return err
			}
			var errs []error
			for i, h := range s.engines() {
				engine, err := engineOf(s.at(h))
				if err != nil {
					errs = append(errs, s.about(h, err))
					continue
				}
				if h.name != "" {
					_, _ = fmt.Fprintf(p.stdout, "%sengine %s\n", strings.Repeat("\n", min(i, 1)), h.name)
				}
				errs = append(errs, s.about(h, p.preflight(cmd.Context(), s, engine)))
			}
			return errors.Join(errs...)
		},
	})
}

// preflight prints what it finds; its errors are what is wrong with that.
func (p *program) preflight(ctx context.Context, s settings, engine *dockerengine.Engine) error {
	out := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	info, unreachable := lookAround(ctx, out, engine)
	errs := []error{unreachable, logins(out)}
	if unreachable == nil {
		role, err := swarmRole(ctx, out, engine, s)
		errs = append(errs, err, tryAll(ctx, out, engine, info.APIVersion, asked(s, role)))
	}
	return errors.Join(append(errs, out.Flush())...)
}

// lookAround tells who this is, and what the engine is. It is an error if that
// cannot be reached.
func lookAround(ctx context.Context, out io.Writer, engine *dockerengine.Engine) (info lifecycle.EngineInfo, err error) {
	ctx, cancel := context.WithTimeout(ctx, trialWithin)
	defer cancel()
	unanswered := engine.Ping(ctx)
	info, err = engine.Describe(ctx)
	cure := ""
	socket, local := strings.CutPrefix(info.Address, "unix://")
	_, _ = fmt.Fprintf(out, "this process\t%s\n", identity())
	if local {
		var state string
		state, cure = socketState(socket)
		_, _ = fmt.Fprintf(out, "socket\t%s: %s\n", socket, state)
	}
	if unanswered != nil && !errdefs.IsPermissionDenied(unanswered) {
		return info, fmt.Errorf("%w%s", unanswered, cure)
	}
	said := "it does not tell what it is"
	if err == nil {
		said = info.Name + " " + info.Version
	}
	_, _ = fmt.Fprintf(out, "engine\t%s, %s, API %s\n", info.Address, said, orUnknown(info.APIVersion))
	storage, err := engine.Storage(ctx)
	if err != nil {
		storage = ""
	}
	_, _ = fmt.Fprintf(out, "storage\t%s\n", orUnknown(storage))
	return info, nil
}

// swarmRole tells which part the engine has in a swarm. It is an error if that is not the
// one that the settings need.
func swarmRole(ctx context.Context, out io.Writer, engine *dockerengine.Engine, s settings) (lifecycle.ClusterRole, error) {
	ctx, cancel := context.WithTimeout(ctx, trialWithin)
	defer cancel()
	cluster, err := engine.Cluster(ctx)
	text := "none"
	switch {
	case cluster.Role == lifecycle.RoleWorker:
		text = "worker: a watchtower on a manager updates the services"
	case cluster.Role == lifecycle.RoleManager:
		list, err := engine.Services(ctx)
		text = fmt.Sprintf("manager, services: %d", len(list))
		if err != nil {
			text = "manager, which shows no services"
		}
		if s.swarm == string(watchtower.ServicesOff) {
			text += ", which " + s.from("swarm") + " leaves alone"
		}
	case err != nil:
		text = "unknown"
	}
	_, _ = fmt.Fprintf(out, "swarm\t%s\n", text)
	if s.swarm == string(watchtower.ServicesOnly) && err == nil && cluster.Role != lifecycle.RoleManager {
		return cluster.Role, fmt.Errorf("preflight: %s only: this engine is no manager of a swarm", s.from("swarm"))
	}
	return cluster.Role, nil
}

func orUnknown(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}

// logins tells where logins are looked for, and nothing of them.
func logins(out io.Writer) error {
	store, err := credentials.FromEnv()
	text := fmt.Sprint(store)
	if err != nil {
		text = "not usable"
	}
	_, _ = fmt.Fprintf(out, "logins\t%s\n", text)
	return err
}

// asked are the features that the settings ask for. What containers may need that
// are as they are is among them: pauses, files of Compose's, networks; and a manager's
// services, unless they are to be left alone.
func asked(s settings, role lifecycle.ClusterRole) map[dockerengine.Feature]bool {
	probe, swaps := s.probe.String(), !s.monitorOnly
	command := strings.HasPrefix(probe, "exec:")
	return map[dockerengine.Feature]bool{
		dockerengine.FeatureCheck:      true,
		dockerengine.FeatureRegistries: !s.noPull,
		dockerengine.FeatureUpdate:     swaps,
		dockerengine.FeatureLogs:       swaps,
		dockerengine.FeaturePaused:     swaps,
		dockerengine.FeatureFiles:      swaps,
		dockerengine.FeatureNetworks:   swaps,
		dockerengine.FeatureSignal:     swaps,
		dockerengine.FeatureStartFirst: swaps && (s.order == string(lifecycle.StartFirst) || s.rolling && s.order == ""),
		dockerengine.FeatureExec:       swaps && command || s.hooks,
		dockerengine.FeatureProbe:      swaps && probe != "" && !command,
		dockerengine.FeatureCleanup:    swaps && s.cleanup,
		dockerengine.FeatureVolumes:    swaps && s.removeVolumes,
		dockerengine.FeatureServices:   swaps && (s.swarm == string(watchtower.ServicesOnly) || role == lifecycle.RoleManager && s.swarm != string(watchtower.ServicesOff)),
	}
}

// tryAll tries every endpoint. What is asked for and cannot be had is an error.
func tryAll(ctx context.Context, out io.Writer, engine *dockerengine.Engine, version string, asked map[dockerengine.Feature]bool) error {
	_, _ = fmt.Fprintf(out, "\nFEATURE\tENDPOINT\tALLOWED\tWHY\n")
	var errs []error
	for _, ep := range dockerengine.Endpoints() {
		call := ep.Method + " " + ep.Path
		if !ep.Needed(version) {
			_, _ = fmt.Fprintf(out, "%s\t%s\tnot needed\tthe engine's API is not below %s\n", ep.Feature, call, ep.Below)
			continue
		}
		within, cancel := context.WithTimeout(ctx, trialWithin)
		err := engine.Try(within, ep)
		cancel()
		switch {
		case err == nil:
			_, _ = fmt.Fprintf(out, "%s\t%s\tyes\t%s\n", ep.Feature, call, ep.Why)
		case !asked[ep.Feature]:
			_, _ = fmt.Fprintf(out, "%s\t%s\tno\tthe settings do not ask for it\n", ep.Feature, call)
		default:
			_, _ = fmt.Fprintf(out, "%s\t%s\tNO\t%s\n", ep.Feature, call, ep.Feature.Costs())
			errs = append(errs, fmt.Errorf("preflight: %s: %s: %s", call, ep.Feature.Costs(), strings.TrimPrefix(err.Error(), "dockerengine: try "+call+": ")))
		}
	}
	return errors.Join(errs...)
}
