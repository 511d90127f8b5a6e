package lifecycle

import (
	"context"
	"time"

	"github.com/watchtower-go/watchtower/internal/errclass"
)

// managerTimeout bounds one call: managers that have none to lead them take up to twenty
// seconds to say so, and a busy engine some more.
const managerTimeout = time.Minute

// patientManager gives each call its time: a manager that has lost the others, or whose
// engine hangs, is not waited for for ever.
type patientManager struct{ ServiceUpdater }

func (m patientManager) Service(ctx context.Context, service string) (out Service, err error) {
	err = errclass.Within(ctx, managerTimeout, func(ctx context.Context) (err error) {
		out, err = m.ServiceUpdater.Service(ctx, service)
		return err
	})
	return out, err
}

func (m patientManager) Tasks(ctx context.Context, service string) (out []Task, err error) {
	err = errclass.Within(ctx, managerTimeout, func(ctx context.Context) (err error) {
		out, err = m.ServiceUpdater.Tasks(ctx, service)
		return err
	})
	return out, err
}

func (m patientManager) UpdateService(ctx context.Context, opts ServiceOptions) (warnings []string, err error) {
	err = errclass.Within(ctx, managerTimeout, func(ctx context.Context) (err error) {
		warnings, err = m.ServiceUpdater.UpdateService(ctx, opts)
		return err
	})
	return warnings, err
}
