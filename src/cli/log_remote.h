/* Lines of a dataflow's nodes on other machines: a process for each of these runs `dora logs` over there (remote.h). */
#ifndef CLI_LOG_REMOTE_H
#define CLI_LOG_REMOTE_H

#include <jansson.h>
#include <sys/types.h>

#include "cli/log_files.h"
#include "cli/options.h"
#include "control/client.h"

struct log_remote {
    pid_t *pids;
    size_t count;
};

/* Adds to `files` what the other machines have of the dataflow, or of one node of it (NULL: all), by the options of
 * `dora logs`. `options` is that command's line; NULL: all lines, also those to come. A machine that is out of reach is
 * told of. False: reported. log_remote_end() in any case. */
bool log_remote_start(struct log_remote *remote, struct control_client *client, const struct options *options,
                      const json_t *dataflow, const char *node, struct log_files *files);

/* `is_over`: all that they said was read, and they have ended; else they are killed. False: one of them has failed,
 * which it has reported. */
bool log_remote_end(struct log_remote *remote, bool is_over);

#endif
