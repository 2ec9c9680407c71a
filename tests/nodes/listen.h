/* Receiving, with a line on stdout for each event and a summary at the end. */
#ifndef NODES_LISTEN_H
#define NODES_LISTEN_H

#include <dora/dora.h>
#include <stdbool.h>

struct listening {
    const char *echo;     /* an output to which every message is sent on, with its parameters; NULL for none */
    bool is_quiet;        /* no line for a message or tick */
    bool is_bare;         /* what is received is no pattern */
    long most;            /* return after so many messages and ticks; 0: at the stream's end */
    unsigned work_us;     /* how long each message keeps this node busy */
    bool shows_params;    /* a line for each parameter */
    bool shows_timestamp; /* of ticks: when they were due */
};

/* Prints
 *     input ID NUMBER SIZE        tick ID NUMBER [TIMESTAMP]      param KEY KIND VALUE
 *     closed ID   recovered ID    failed ID: TEXT   restarted ID  stop CAUSE     error TEXT     end
 * and, for each input, counted since this call:
 *     summary ID count= first= last= gaps= bad= back= dropped= skipped=
 * `gaps` counts numbers left out, `back` numbers not above the one before, `bad` wrong contents; `dropped` and
 * `skipped` are the library's own counts. Returns 0 or the first failure of sending or receiving. */
int listen_run(dora_node *node, const struct listening *how);

#endif
