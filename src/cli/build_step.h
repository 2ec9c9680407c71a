/* A dataflow's `build` commands. */
#ifndef CLI_BUILD_STEP_H
#define CLI_BUILD_STEP_H

#include <stdbool.h>

#include "graph/graph.h"

/* Runs them all, node after node, in the nodes' directories and environments; no shell is involved. What they print
 * goes where this process prints. Stops at the first that fails, which is reported. `uv`: `pip` means `uv pip`. Before
 * there are other threads or a loop. */
bool build_run(const struct graph *graph, bool uv);

#endif
