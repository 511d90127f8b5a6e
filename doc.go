// Package watchtower keeps running containers on the newest image their
// reference points at.
//
// A Tower looks at an engine's containers, asks their registries whether the
// image moved, pulls what did, and swaps each stale container for one with the
// same configuration. The swap is a transaction: the old container exists whole
// until its successor has been verified, and serves again if anything fails
// before that.
//
// # From looking to acting
//
//	tower, err := watchtower.New()
//	...
//	report, err := tower.Check(ctx)  // looks: no pull, no write
//	report, err = tower.Update(ctx)  // one full pass
//	err = tower.Run(ctx)             // passes on a schedule until ctx ends
//
// What a Check found it also planned: Report.Plan says what would be done, and
// Apply does that and no more. The plan's ID is what a person says yes to: ApplyID.
//
// New without options takes the Docker engine the environment names and the
// logins that `docker login` left. A Report has an entry for every container:
// fresh, stale, held by a gate, updated, restarted along with another, skipped (with
// the reason), rolled back or failed. What fails for one container stands in its entry and
// stops nothing else; an error means that no report could be made.
//
// Containers that cannot do without each other move as one. What a crash cut
// short is finished or undone by the next Update, and by Run when it begins.
//
// A program that runs in a container of the engine it watches names that container
// by WithSelf (lifecycle.OwnTraces finds it), and WithSelfUpdate has it replaced as
// well: last in a pass, by a short-lived helper. Another watchtower's container is
// never touched.
//
// # Many engines
//
// A Tower has one engine, and a program that watches several makes a Tower for each: with
// WithEngineName, so that reports, events and log lines say which engine they are about,
// and with one registry.Client for all of them, by WithRegistryClient, so that they share
// connections, limits and the answers to what they ask at the same time. Each Tower
// makes its own passes: an engine that hangs, or dies in the middle of one, is
// Unavailable to its own, and delays no other.
//
// # The parts
//
// Data flows one way: inventory, select, check, plan, apply, report. Each part
// on the way is a small interface, declared beside its implementations in a
// package that can be used alone:
//
//   - Engine (lifecycle) lists, creates, starts and stops; the Docker one is in
//     lifecycle/dockerengine, one in memory for tests in lifecycle/enginetest.
//   - Filter (filter) says which containers are looked at.
//   - Checker (registry) says what a reference points at now; tags chooses another
//     tag for those that follow versions.
//   - Gate (gate) says whether a container may move to what the check found.
//   - CredentialStore (credentials) finds the login for a registry.
//   - Updater (lifecycle) brings a container to its new image; Recreate is the
//     transaction.
//   - HookFunc, and the commands that labels name (lifecycle), run before and after
//     a check and an update, and may put an update off.
//   - Observer is told every Event, for programs; the *slog.Logger is for people. Once
//     tells it each fact once, however many passes find it so; httpapi.Handler is one, by
//     which a Tower can be asked over HTTP.
//   - Schedule says when Run makes its passes, and Clock what time it is.
//
// An own part wraps the default one, or stands in its place. What only some engines,
// checkers or updaters can do is a small interface of its own, which is looked for in
// the part that is given: lifecycle.Execer and lifecycle.Recoverer are two. A filter,
// checker, gate, store, updater, hook or observer that panics where it is called has
// failed at that call, and stops nothing else.
//
// Options set them: a later one wins, one that holds a list appends, and every
// bad one is reported.
//
// # Errors
//
// Errors are classed by github.com/containerd/errdefs: InvalidArgument for an
// option, Unavailable for an engine or registry that does not answer, Aborted
// for an update that was rolled back, ResourceExhausted for a registry's limit,
// and so on. No error, event or log line holds a secret.
//
// # The environment
//
// Only dockerengine.FromEnv and credentials.FromEnv read it, and New calls them
// for the parts that no option gives. The default registry.Client goes through
// the proxy that HTTPS_PROXY names, as net/http does. It is told at each pass what
// the engine is configured to, mirrors and insecure registries; the certificates in
// /etc/docker/certs.d, of which engines do not tell, it reads if
// WithRegistryOptions(registry.WithCertificates(…)) says so.
//
// # Compatibility
//
// What is exported follows semantic versioning, and every release's API is compared
// with the one before. Structs may gain fields, and closed sets (Event, Status,
// PassKind) members: name the fields of literals, and have a default. Interfaces that
// others implement gain no methods; what is new becomes one more small interface. The
// JSON of reports and plans gains fields and loses none. No type of an engine's client
// library is exported. The text of errors, reasons and log lines is for people: go by
// the class, the status and the event.
//
// A Tower has no goroutine of its own between passes, and every one it starts ends
// with the context of the call; connections that are kept open for the next request
// have theirs for a while, as net/http does it. Parts are called from many goroutines
// at once.
package watchtower
