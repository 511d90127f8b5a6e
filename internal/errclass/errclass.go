// Package errclass attaches a containerd/errdefs class to an error without
// touching its text, so that callers can ask errdefs.IsNotFound and the like
// while people read only what happened.
package errclass

type classified struct {
	err   error
	class error
}

func (e *classified) Error() string   { return e.err.Error() }
func (e *classified) Unwrap() []error { return []error{e.err, e.class} }

// With returns err with the class attached; nil stays nil. The class is one of
// the sentinels of github.com/containerd/errdefs.
func With(class, err error) error {
	if err == nil {
		return nil
	}
	return &classified{err: err, class: class}
}
