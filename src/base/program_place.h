/* Where the programs are that dora starts beside itself. */
#ifndef BASE_PROGRAM_PLACE_H
#define BASE_PROGRAM_PLACE_H

#include <limits.h>

#include "base/error.h"

/* Writes the path of the program `name`: what the variable `env` says, else `../libexec/dora/NAME` from this program's
 * folder, else NAME in it. -ENOENT: it is in none of these. */
int program_place(const char *name, const char *env, char path[PATH_MAX], struct error *error);

#endif
