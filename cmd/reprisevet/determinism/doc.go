// Package determinism is the analyzer behind the command reprisevet: it finds code in durable workflows that
// a replay can't repeat.
//
// # Terms
//
// Workflow code is what runs on a durable.Context: the functions given to durable.Define, the branch
// functions given to durable.Go, and every function that takes a durable.Context, with all that they call.
// A step, the function given to durable.Step or durable.Async, is not workflow code: there everything is
// allowed.
//
// # What it reports
//
// Clocks, random numbers, goroutines, select, native channels and locks, map ranges whose order shows,
// the environment, files, the network, global variables that change, and the Context of another branch; also
// behind helper functions, in other packages, and behind function values and interfaces as far as the
// program's own types tell. A report says what is used, why replay can't repeat it, through which calls, and
// what to write instead.
//
// # Vouching for a line
//
// A comment on the line, with a reason, keeps it from being reported:
//
//	cached := table[key] //reprise:deterministic filled before the program starts, never changed
//
// # Limits
//
// It reads types, not values: what reflection, cgo, assembly and linkname do is out of its sight, and so is a
// function value that comes from a package it has not analyzed. docs/VET.md has an example of all that it
// finds, more of what it can't see, and figures.
package determinism
