/* What runs, as `dora status` tells it. */
#ifndef CLI_SYSTEM_CHECK_H
#define CLI_SYSTEM_CHECK_H

#include "cli/options.h"

int system_check(const struct options *options);

extern const struct option_spec system_check_options[];
#define SYSTEM_CHECK_DETAILS                                                                                           \
    "With --format json, it is one object:\n"                                                                          \
    "  {\"coordinator\": {\"running\": BOOL, \"pid\": N, \"version\": …, \"uptime\": SECONDS}, \"daemon\": "         \
    "{\"running\": "                                                                                                   \
    "BOOL|null,\n"                                                                                                     \
    "   \"pid\": N, \"version\": …}, \"active_dataflows\": N|null, \"dataflow\": BOOL|null, \"ok\": BOOL}\n"         \
    "Where there are several machines, it has \"machines\": [{\"machine\", \"labels\", \"alive\", \"here\", "          \
    "\"coordinator\",\n"                                                                                               \
    "   \"pid\", \"version\", \"dataflows\", \"round_trip\": ns, \"skew\": ns of its clock before this one}, …], "   \
    "too.\n\n"                                                                                                         \
    "Exits with 0 when both run and the dataflow, if one is given, is valid; else with 1."

#endif
