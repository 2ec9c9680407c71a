/* Commands that ask the coordinator one thing about one dataflow and print the answer. */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/options.h"
#include "cli/session.h"

/* Options that such commands have. */
#define ASK_DATAFLOW                                                                                                   \
    {.name = "dataflow",                                                                                               \
     .letter = 'd',                                                                                                    \
     .value = "DATAFLOW",                                                                                              \
     .help = "The dataflow's name or UUID, or how one begins; not needed where only one runs"},                        \
        SESSION_ADDRESS_OPTIONS
#define ASK_FORMAT                                                                                                     \
    {                                                                                                                  \
        .name = "format", .letter = 'f', .value = "FORMAT", .choices = "table|json",                                   \
        .help = "How to print it; the JSON is explained above"                                                         \
    }
#define ASK_GRACE                                                                                                      \
    {                                                                                                                  \
        .name = "grace-duration", .value = "DURATION",                                                                 \
        .help = "How long the node may take to end before it is killed, such as 5s"                                    \
    }

/* Asks about the dataflow that --dataflow means. Takes over `params` (NULL: none). The answer is the caller's; NULL: it
 * failed and is reported. */
json_t *ask(const struct options *options, const char *method, json_t *params, int64_t timeout_ns);

bool ask_wants_json(const struct options *options);

/* Puts --grace-duration into `params`, in seconds. False: reported. */
bool ask_grace(const struct options *options, json_t *params);

/* Reads a --NAME that is a duration; `*ns` stays as it is without one. False: reported. */
bool ask_duration(const struct options *options, const char *name, int64_t *ns);

/* Reads a --NAME that is a whole number from `least`; `*number` stays as it is without one. False: reported. */
bool ask_number(const struct options *options, const char *name, int64_t least, int64_t *number);

/* Prints an object as one line on stdout and takes it over; NULL: reported as lack of memory. True: printed. */
bool ask_print_line(json_t *object);

/* Bytes as people read them: 512 B, 1.5 KB, 34.0 MB, … (1 KB: 1000 B). */
enum { ASK_BYTES_MOST = 32 };
const char *ask_bytes(char text[ASK_BYTES_MOST], double bytes);

/* A duration likewise: 250 ns, 1.5 µs, 20.00 ms, 3.000 s. */
enum { ASK_TIME_MOST = 32 };
const char *ask_time(char text[ASK_TIME_MOST], int64_t ns);

#endif
