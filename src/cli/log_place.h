/* Whether two machines mean the same folder of log files: one that they share (a network's file system, or both are on
 * one computer) is to be read once. */
#ifndef CLI_LOG_PLACE_H
#define CLI_LOG_PLACE_H

#include <stdbool.h>

#include "base/buf.h"

/* Adds the place of "…/out/UUID", which need not exist yet, to a list of them. */
void log_place_add(struct buf *places, const char *folder);

/* Whether the folder on this machine is one of the list, which another machine has made. */
bool log_place_is_among(const char *folder, const char *places);

#endif
