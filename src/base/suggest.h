/* "did you mean …?" for every place where a user types a name. */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include <stddef.h>

/* Edits (insertion, deletion, substitution, swap of neighbours) from `a` to `b`; SIZE_MAX for names over 128 bytes. */
size_t suggest_distance(const char *a, const char *b);

/* The candidate nearest to `name`, or NULL where none is near enough to be meant. */
const char *suggest(const char *name, const char *const *candidates, size_t count);

#endif
