// Package sweep interrupts updates on a real engine: at every call that changes
// a container, in every way a call can go wrong, for every kind of container.
// The next pass must leave one container under each name, in the state it was
// in, with its data, and nothing else.
//
// It consists of tests. The environment variable WATCHTOWER_SWEEP=all makes it
// go through all scenarios (`make sweep`); otherwise those run that teach most.
package sweep
