/* A dataflow's log lines while it runs, until it has ended. */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include <jansson.h>

#include "cli/log_files.h"
#include "cli/log_show.h"
#include "control/client.h"

struct follow {
    struct control_client
        *client; /* may be another one afterwards; NULL: nobody says when it ends, and it never does */
    const char *uuid;
    struct log_files *files;
    struct log_show *show;
    bool marks; /* an empty line comes behind the lines that are there at the beginning (log_pipe.h) */
    bool stops; /* Ctrl-C stops the dataflow, a second one kills its nodes, a third one leaves */
};

/* Returns the dataflow once it has ended, and all its lines are shown. NULL: what went wrong is reported, or the reader
 * of stdout is gone. */
json_t *follow_run(struct follow *follow);

/* Shows what is there now, or with show->tail the last lines of it, for which files are read from their ends. */
void follow_show(struct log_files *files, struct log_show *show);

#endif
