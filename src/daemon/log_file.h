/* A node's log file: a JSON object a line, written when there is much of it or nothing more to come. */
#ifndef DAEMON_LOG_FILE_H
#define DAEMON_LOG_FILE_H

#include <stdint.h>

#include "base/buf.h"
#include "daemon/logs.h"

struct log_file {
    char *path;
    int fd; /* -1: there is none, and lines go nowhere */
    uint64_t size, max_size;
    uint32_t max_rotated;
    struct buf text; /* not written yet */
    int64_t second;  /* the one that `stamp` was made for */
    char stamp[24];  /* "2026-01-31T12:00:00" */
};

/* Empties the file. Negative errno when it can't be opened; the file then swallows lines. */
int log_file_open(struct log_file *file, const char *path, uint64_t max_size, uint32_t max_rotated);

/* 0, or why lines were lost. It goes on with the next ones: the disk may have room again. */
int log_file_add(struct log_file *file, const struct log_line *line);
int log_file_flush(struct log_file *file);

void log_file_close(struct log_file *file); /* unflushed lines are lost */

#endif
