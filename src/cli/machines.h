/* The machines, as the coordinator's `status` has them.
 */
#ifndef CLI_MACHINES_H
#define CLI_MACHINES_H

#include <jansson.h>
#include <stdbool.h>

/* Of this machine, the one where the command runs; NULL: its daemon isn't there, or is refused, though the coordinator may
 * have another one of its name. */
const json_t *machine_here(const json_t *status);
/* Whose daemon has registered by this id; NULL: none. */
const json_t *machine_known(const json_t *status, const char *id);
const json_t *machine_of_coordinator(const json_t *status);

/* Whether there are others than this one, also such as are out of reach. */
bool machines_are_several(const json_t *status);

/* A table, with a line each. 0 or negative. */
int machines_print(const json_t *status);

#endif
