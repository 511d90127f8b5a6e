// Package swarmtest updates services of real swarms: of one manager, and of several
// nodes, of which some are lost in the middle of it.
//
// It consists of tests, which run side by side: they mostly wait.
package swarmtest
