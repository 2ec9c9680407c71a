/* Commands that run on another machine, because what they are about is there (docs/machines.md). */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/options.h"
#include "control/client.h"

/* Whether this process is one, for somebody elsewhere: it doesn't go on to a third machine. What a terminal is, is told
 * by the other side: the columns of its stdout (0: none), and whether colour is welcome on this descriptor there. */
bool remote_is(void);
size_t remote_columns(void);
bool remote_color(int fd);

/* The command's name and the options that were given, as `machine.command` takes them; left out are those that say
 * where the dataflow is (--dataflow, SESSION_ADDRESS_OPTIONS) and those about files here. The caller adds options, "--"
 * and operands. NULL: no memory. */
json_t *remote_words(const struct options *options);
void remote_add(json_t *words, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* --dataflow, where `dataflow` is a text, "--", and the operands. */
void remote_add_rest(json_t *words, const json_t *dataflow, const struct options *options);

/* Runs it there to its end, and writes what it prints to stdout and stderr. Ctrl-C ends the command over there, a
 * second one this process. Its exit status; what goes wrong on the way is reported. Takes over `words` (NULL: lack of
 * memory, which is reported). */
int remote_run(struct control_client *client, const char *machine, json_t *words);

#endif
