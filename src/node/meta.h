/* What travels beside the data, as it lies in a message: how long the encoded parameters are (4 bytes), they, and the
 * description of a nested array's type (arrow.h). Nothing at all is 0 bytes.
 */
#ifndef NODE_META_H
#define NODE_META_H

#include <stddef.h>

struct meta {
    const void *params, *type;
    size_t params_len, type_len;
};

/* Both come from another process, and what is found is checked: 0 or -EBADMSG. The parts point into `bytes`. */
int meta_split(const void *bytes, size_t len, struct meta *meta);

/* The format string in the type's description, without its NUL. */
int meta_format(const struct meta *meta, const char **format, size_t *len);

#endif
