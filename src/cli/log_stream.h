/* One node's log files as one stream of lines: the rotated ones, the oldest first, then the one that is being written.
 * Files are known by what they are, not by their names, so that a rotation in the middle of reading neither loses nor
 * repeats a line. */
#ifndef CLI_LOG_STREAM_H
#define CLI_LOG_STREAM_H

#include <sys/types.h>

#include "base/buf.h"
#include "cli/log_record.h"

struct log_stream {
    char *stem;       /* "…/out/ID/log_NODE" */
    const char *node; /* within `stem` */
    int fd;           /* -1: none is open */
    dev_t device;
    ino_t inode;
    off_t position;
    bool was_read_since; /* to its end, since it was seen to have been rotated */
    struct buf text;     /* read, not yet taken: from `start` on */
    size_t start;
    bool skipping;   /* the rest of a line that is too long */
    int64_t unix_ns; /* of the last line */
    struct log_record head;
    bool has_head;
    bool at_end; /* there was nothing more; set it to false to look again */
};

/* Takes over `stem`. */
void log_stream_init(struct log_stream *stream, char *stem);
void log_stream_close(struct log_stream *stream);

/* Begins anew with the first whole line within the last `bytes` that says when it was written. False: it begins with the
 * first line of all. */
bool log_stream_rewind(struct log_stream *stream, off_t bytes);

/* Makes the next line, if there is one now, the stream's head. False at the end, and then until `at_end` is reset. */
bool log_stream_fill(struct log_stream *stream);

#endif
