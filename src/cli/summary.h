/* How a dataflow failed, told on stderr. */
#ifndef CLI_SUMMARY_H
#define CLI_SUMMARY_H

#include "daemon/daemon.h"

/* Causes first, with their last lines of stderr; what failed only because of them is counted. */
void summary_print(const struct dataflow_result *result, const char *dataflow_id);

#endif
