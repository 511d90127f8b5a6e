// Package docstest holds the pages to what they say: the programs in them
// compile, what they name is there, and their links lead somewhere.
//
// It consists of tests. Those of what only the program knows, its settings and
// labels, stand beside it; those of pages that are made from tables, beside the
// tables.
package docstest
