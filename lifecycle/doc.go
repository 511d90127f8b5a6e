// Package lifecycle knows containers and how one takes the place of another.
//
// Containers, images and snapshots are data. An Engine, a union of small
// interfaces, shows and changes them: lifecycle/dockerengine is the one for
// Docker, lifecycle/enginetest the one in memory. An Updater brings a Target,
// one or more containers that move together, to its new image. Recreate is the
// Updater that comes with the package:
//
//	updater := lifecycle.Recreate(engine)
//	result, err := updater.Update(ctx, lifecycle.Target{
//		Members: []lifecycle.Member{{Container: c, Reference: "app:1", ImageID: id}},
//	})
//
// # The swap
//
// A swap is a transaction whose journal is the engine itself: names for the
// phase, labels for the constants. It creates the successor under a journal
// name, which is the lock; compares what was created with what was asked for;
// parks the predecessor under a journal name that tells the state it was in;
// gives its name to the successor; stops the one, starts the other, and verifies
// it. Removing the predecessor is the commit. The old container exists whole
// until then.
//
// Any error ends the straight line. What is there is looked at anew, and one
// function, which is a function of the list of containers, finishes or undoes
// it. A container under a journal name is no target: see Unfinished. Where the
// engine will not start the predecessor again, the successor is tried, and serves
// if it proves itself.
//
// # Verification
//
// A successor is good when its health check says so, or when it has stayed up for a
// while, and when it has answered its Probe, if it is given one: a command in it, an
// HTTP request or a connection to it. A one-shot is good when it has ended well.
//
// # Hooks
//
// Hooks run at four points of a pass: commands that a container's labels name, see
// HooksOf, and functions of the program that embeds this one, see HookFunc. Those
// before an update have the last word over it: the swap asks Target.BeforeSwap when
// the successor has been created and nothing of the old container was touched.
// Commands are run by the engine's Execer and bounded in time; one that takes too
// long is ended, with what it has started.
//
// # Start first
//
// A container that can run twice may be swapped the other way round, see
// WithUpdateOrder: the successor runs beside its predecessor under its journal
// name, without the network aliases of the service, until it is verified; then
// it gets aliases and name, and the predecessor leaves the networks and stops.
// The journal, the commit and the recovery are the same.
//
// # The successor's configuration
//
// What the user set is carried, on top of the new image's defaults; what the old
// image gave is left out, and what the engine made up for the old container as
// well. Volumes stay where they are mounted, anonymous ones included.
package lifecycle
