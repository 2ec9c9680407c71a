/* Anonymous shared memory that can't be cut: a memfd whose size is sealed, so that no reader meets SIGBUS. */
#ifndef SHM_SEGMENT_H
#define SHM_SEGMENT_H

#include <stddef.h>

#include "base/error.h"

/* A zeroed segment of `size` bytes, sealed against shrinking, growing and further seals; its memory is taken as it is
 * touched. Returns the descriptor (close-on-exec), or a negative errno. `name` shows in /proc/…/maps. */
int segment_create(const char *name, size_t size, struct error *error);

/* Maps all of a segment made by segment_create, of `size` bytes exactly. -EINVAL when the descriptor is none, or
 * another size, or not sealed: its maker could cut it under us. */
int segment_map(int fd, size_t size, int protection, void **map, struct error *error);

/* The size of a segment, checked to be sealed; negative errno otherwise. */
long long segment_size(int fd, struct error *error);

#endif
