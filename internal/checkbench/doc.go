// Package checkbench measures what a whole check costs, as a user pays it: the
// program is started as a process, looks at an engine, asks registries that take
// their time, and ends. What is told is the time from start to end, the requests,
// the calls to the engine, and the peak of memory.
//
// It consists of tests. The environment variable WATCHTOWER_COST=all lets them
// measure at full size (`make cost`), and WATCHTOWER_COST_PEERS="name=path ..."
// compares with other programs of that interface (`make compare`). Otherwise a
// few small checks show that what is measured is right. No time is asserted.
package checkbench
