/* Files of share/ that the command carries within it, so that it needs none beside it. */
#ifndef CLI_EMBEDDED_H
#define CLI_EMBEDDED_H

#include <stddef.h>

struct embedded {
    const char *path; /* below share/, such as "templates/c/dataflow.yml" */
    const char *data; /* a NUL follows the content */
    size_t size;      /* without that NUL */
};

extern const struct embedded embedded_files[]; /* ended by one without path */

/* The file of this path, or NULL. */
const struct embedded *embedded_find(const char *path);

#endif
