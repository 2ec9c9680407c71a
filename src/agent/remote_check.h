/* What another machine may have run here (docs/machines.md, Commands on another machine): of dora's own commands those
 * that look at nodes and outputs, with options that name no file. */
#ifndef AGENT_REMOTE_CHECK_H
#define AGENT_REMOTE_CHECK_H

#include <jansson.h>

#include "base/error.h"

enum {
    REMOTE_WORDS_MOST = 1100,
    REMOTE_WORD_MOST = 64 << 10, /* bytes */
    REMOTE_WORDS_SIZE_MOST = 256 << 10,
    REMOTE_TERMINAL_MOST = 32,
};

/* `*words` is the argv, "dora" first, ended by NULL; it points into `args` and is the caller's to free(). -EINVAL:
 * that is not allowed; -ENOMEM. */
int remote_check_args(const json_t *args, char ***words, struct error *error);

/* "COLUMNS:COLORS", the value of DORA_REMOTE; NULL: of no terminal. -EINVAL. */
int remote_check_terminal(const json_t *terminal, char text[REMOTE_TERMINAL_MOST], struct error *error);

#endif
