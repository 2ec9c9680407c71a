/* A command's conversation with the coordinator. Whatever goes wrong is reported here, with its hint: a caller only
 * returns COMMAND_FAILED. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/options.h"
#include "control/client.h"

/* For answers that need nobody but the coordinator or the daemon; what waits for nodes takes as long as it takes. */
#define SESSION_PATIENCE (10 * CLOCK_SECOND)

/* What --help says about the dataflow that is meant, from the beginning of a line. */
#define SESSION_WHICH_HELP                                                                                             \
    "A dataflow is named by its UUID, its name, or the beginning of either, where that fits one only. Without any,\n"  \
    "the one that runs is meant."

/* Where dora's own commands look for a coordinator. Ours is found by its socket; who names this machine is understood.
 */
#define SESSION_ADDRESS_OPTIONS                                                                                        \
    {.name = "coordinator-addr",                                                                                       \
     .value = "IP",                                                                                                    \
     .env = "DORA_COORDINATOR_ADDR",                                                                                   \
     .help = "This machine: the coordinator is found by its socket",                                                   \
     .hidden = true},                                                                                                  \
    {                                                                                                                  \
        .name = "coordinator-port", .value = "PORT", .help = "Not needed", .hidden = true                              \
    }

/* Whether SESSION_ADDRESS_OPTIONS mean this machine; if not, it is reported. */
bool session_is_here(const struct options *options);

/* Whether control_connect failed because no coordinator is there, or because it is just going. */
bool session_is_absent(int code);

/* NULL when none is running, or it can't be talked to, or SESSION_ADDRESS_OPTIONS mean another one (`options` may be
 * NULL). control_client_close() afterwards. */
struct control_client *session_open(const struct options *options);

/* Asks and waits for the answer, which is the caller's; NULL: it failed. Takes over `params` (NULL: none). */
json_t *session_call(struct control_client *client, const char *method, json_t *params, int64_t timeout_ns);

/* The same, for what is possible on one machine alone: where that is another one, `*machine` is its name, to be freed,
 * and nothing is reported. NULL otherwise; also in a command that runs for another machine itself. */
json_t *session_call_here(struct control_client *client, const char *method, json_t *params, int64_t timeout_ns,
                          char **machine);

/* The same, with `event` called for what is told on the way (NULL: not wanted). */
json_t *session_call_events(struct control_client *client, const char *method, json_t *params, int64_t timeout_ns,
                            void (*event)(void *context, json_t *event), void *context);

/* Reports why a request failed. `has_name`: it said which dataflow it is about. */
void session_report(const struct control_client *client, int code, const struct error *error, bool has_name);
void session_report_fault(const struct control_fault *fault, bool has_name);

/* Puts the dataflow that is meant into `params`: the operand number `operand` (-1: there is none), else the option
 * `--OPTION` (NULL: there is none), else, on a terminal and where several run, the one that the user picks. Otherwise
 * it stays away, and the coordinator takes the only one that runs. False: reported. */
bool session_choose(struct control_client *client, const struct options *options, int operand, const char *option,
                    json_t *params);

/* The name of a dataflow object, else its UUID. */
const char *session_name_of(const json_t *dataflow);

#endif
