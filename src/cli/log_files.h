/* The log files of a dataflow's nodes as one stream of lines, in the order of time as far as they are there; with those
 * of other machines, which come through pipes (log_pipe.h) and are waited for until all that were there have come. */
#ifndef CLI_LOG_FILES_H
#define CLI_LOG_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "daemon/logs.h"

struct log_files;

/* The files of one node, or of all (NULL). -ENOMEM, or what inotify says. */
int log_files_open(struct log_files **files, const char *node, struct error *error);
void log_files_close(struct log_files *files); /* NULL is fine */

/* Adds a folder, "…/out/ID", which need not exist yet: what is in it now, and what appears there later. */
int log_files_add(struct log_files *files, const char *folder, struct error *error);

/* Folders are left out that are `places` (log_place.h) of another machine, which reads them itself. It must outlive the
 * files. */
void log_files_leave_out(struct log_files *files, const char *places);
/* The places of the folders. */
void log_files_places(const struct log_files *files, struct buf *places);

/* Adds another machine's lines; takes over `fd`. -ENOMEM, or what epoll says. */
int log_files_add_pipe(struct log_files *files, int fd, struct error *error);
/* From now on pipes are waited for to their ends. */
void log_files_finish(struct log_files *files);

/* Are there any files or pipes? */
size_t log_files_count(const struct log_files *files);

/* The next line, NULL where there is none now; it lives until the next call. `*number` is that of
 * the node it came from. */
const struct log_line *log_files_next(struct log_files *files, size_t *number);

/* Whether they can be read from their ends; pipes can't. */
bool log_files_can_rewind(const struct log_files *files);

/* Begins anew with about the last `bytes` of each node's files. True: there is more before that, but no line from
 * `*whole_ns` on (since 1970). */
bool log_files_rewind(struct log_files *files, size_t bytes, int64_t *whole_ns);

/* Becomes readable when there may be more; log_files_refresh() then looks, and makes it unreadable again. */
int log_files_fd(const struct log_files *files);
void log_files_refresh(struct log_files *files);

#endif
