/* "did you mean …?" for every place where a user types a name. */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include <stddef.h>

/* Edits (insertion, deletion, substitution, swap of neighbours) from `a` to `b`; SIZE_MAX for names over 128 bytes. */
size_t suggest_distance(const char *a, const char *b);

/* The candidate nearest to `name`, or NULL where none is near enough to be meant. */
const char *suggest(const char *name, const char *const *candidates, size_t count);

/* The index-th name of those there are; "" for one to pass over, NULL behind the last. */
typedef const char *suggest_name(const void *context, size_t index);

/* Writes what belongs behind "there is no `NAME`" as the rest of the sentence: "; did you mean `x`?", or else what
 * there is: "; there are `a`, `b` and 5 more", "; there are none". Cut where `size` is short. */
void suggest_rest(char *text, size_t size, const char *name, suggest_name *names, const void *context);

#endif
