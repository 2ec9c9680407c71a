/* How hard to stop, as `dora stop` and `dora restart` take it. */
#ifndef CLI_STOP_OPTIONS_H
#define CLI_STOP_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/options.h"

#define STOP_GRACE_OPTION                                                                                              \
    {                                                                                                                  \
        .name = "grace-duration", .value = "DURATION",                                                                 \
        .help =                                                                                                        \
            "How long nodes may take to end before they get SIGTERM, and SIGKILL after half as long again [default: "  \
            "10s]"                                                                                                     \
    }
#define STOP_FORCE_OPTION                                                                                              \
    {                                                                                                                  \
        .name = "force", .letter = 'f', .help = "Kill the nodes at once"                                               \
    }

/* Puts "grace" and "force" into `params`. False: reported. */
bool stop_options_read(const struct options *options, json_t *params);

#endif
