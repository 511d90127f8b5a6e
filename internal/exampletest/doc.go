// Package exampletest runs the examples that work on an engine, on a real one, as who
// copies them would run them. One after the other: quickstart updates whatever there
// is.
//
// It consists of tests. Those of what examples do without an engine stand beside them.
package exampletest
