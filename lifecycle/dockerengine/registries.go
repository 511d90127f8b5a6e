package dockerengine

import (
	"context"
	"slices"
	"strings"

	"github.com/watchtower-go/watchtower/lifecycle"
)

// RegistryConfig is what the engine's registry-mirrors and insecure-registries
// say, by one call of /info.
func (e *Engine) RegistryConfig(ctx context.Context) (lifecycle.RegistryConfig, error) {
	var out lifecycle.RegistryConfig
	err := e.do(ctx, "info", "", func(s *session) error {
		info, err := s.Info(ctx)
		if err == nil {
			e.noteSwarm(info.Swarm)
		}
		if err != nil || info.RegistryConfig == nil {
			return err
		}
		out = lifecycle.RegistryConfig{Mirrors: info.RegistryConfig.Mirrors}
		for _, network := range info.RegistryConfig.InsecureRegistryCIDRs {
			if network != nil {
				out.Insecure = append(out.Insecure, network.String())
			}
		}
		for name, index := range info.RegistryConfig.IndexConfigs {
			if index != nil && !index.Secure && !index.Official {
				out.Insecure = append(out.Insecure, name)
			}
		}
		slices.Sort(out.Insecure)
		return nil
	})
	return out, err
}

// Storage names what keeps the engine's images and layers, "overlay2", by one call
// of /info; containerd's image store is told besides: "overlayfs, in containerd's
// image store".
func (e *Engine) Storage(ctx context.Context) (string, error) {
	var out string
	err := e.do(ctx, "info", "", func(s *session) error {
		info, err := s.Info(ctx)
		if err != nil {
			return err
		}
		out = info.Driver
		for _, pair := range info.DriverStatus {
			if strings.HasPrefix(pair[1], "io.containerd.snapshotter") {
				out += ", in containerd's image store"
			}
		}
		return nil
	})
	return out, err
}
