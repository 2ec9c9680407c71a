/* An error that gathers its story on the way up: the code where it began, a message, and the context each caller adds.
 *
 * Functions that can fail in more than one way take a `struct error *` and return 0 or the negative errno it holds.
 * A NULL error is allowed everywhere: the code is still returned. No allocation, so it works when memory is short.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stddef.h>

enum { ERROR_MESSAGE_MAX = 1024 };

struct error {
    int code; /* negative errno, 0 for none */
    char message[ERROR_MESSAGE_MAX];
};

#define ERROR_INIT                                                                                                     \
    {                                                                                                                  \
        0,                                                                                                             \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }

/* Sets code and message; returns the code. `code` must be negative. */
int error_set(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As error_set, with ": " and the text of errno `-code` behind the message. */
int error_sys(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "CONTEXT: " before the message already there; returns the code already there (-EIO for a NULL error, so that it
 * never looks like success: functions that take a NULL error keep their own code). */
int error_add(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
