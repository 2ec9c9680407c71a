/* What the operators of the benchmark share: dora's three functions, made of the two that a role defines. The roles are
 * those of bench/nodes, with its parameters (node.h), and
 *   BENCH_PIN   1: the operator's thread stays on the core of its role, the first or second that it may use
 *
 * A library is loaded once for all its operators: a role with static variables is one operator of a host at most.
 */
#ifndef BENCH_OPERATOR_H
#define BENCH_OPERATOR_H

#include <dora/operator.h>

#include "../bench.h"

extern const int role_core; /* 0 or 1 */

/* A message or a tick; `node` is the operator's own. */
DoraStatus_t role_event(dora_node *node, const dora_event *event);
void role_end(void);

#endif
