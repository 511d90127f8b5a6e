package watchtower

import (
	"context"

	"github.com/watchtower-go/watchtower/internal/errclass"
	"github.com/watchtower-go/watchtower/lifecycle"
)

// patientManager gives each call its time: a manager that has lost the others, or whose
// engine hangs, is not waited for for ever.
type patientManager struct{ lifecycle.ServiceUpdater }

func (m patientManager) Service(ctx context.Context, service string) (out lifecycle.Service, err error) {
	err = errclass.Within(ctx, inspectTimeout, func(ctx context.Context) (err error) {
		out, err = m.ServiceUpdater.Service(ctx, service)
		return err
	})
	return out, err
}

func (m patientManager) Tasks(ctx context.Context, service string) (out []lifecycle.Task, err error) {
	err = errclass.Within(ctx, inspectTimeout, func(ctx context.Context) (err error) {
		out, err = m.ServiceUpdater.Tasks(ctx, service)
		return err
	})
	return out, err
}

func (m patientManager) UpdateService(ctx context.Context, opts lifecycle.ServiceOptions) (warnings []string, err error) {
	err = errclass.Within(ctx, inspectTimeout, func(ctx context.Context) (err error) {
		warnings, err = m.ServiceUpdater.UpdateService(ctx, opts)
		return err
	})
	return warnings, err
}
