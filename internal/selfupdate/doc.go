// Package selfupdate lets the program, in containers on a real engine, replace
// itself: again and again, by images that do not work, with the helper or the
// watcher killed at every call, and beside another watcher. One must be left, under
// its name, on the right image, and nothing else.
//
// It consists of tests. The environment variable WATCHTOWER_SWEEP=all makes it go
// through everything.
package selfupdate
