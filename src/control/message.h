/* A message of the control protocol (docs/control.md): one JSON object a line.
 */
#ifndef CONTROL_MESSAGE_H
#define CONTROL_MESSAGE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    CONTROL_PROTOCOL = 1,
    CONTROL_LINE_MOST = 16 << 20, /* bytes, with the newline */
};

enum control_kind { CONTROL_HELLO, CONTROL_REQUEST, CONTROL_EVENT, CONTROL_RESULT, CONTROL_ERROR };

/* Why a request failed. */
struct control_fault {
    const char *code;    /* "not-found", …: see control_codes */
    const char *message; /* a sentence for people, without a full stop */
    const char *hint;    /* what to do next, or NULL */
    const char *machine; /* where it would be possible, or NULL */
};

/* The text points into `root`. */
struct control_message {
    json_t *root; /* owns the rest */
    enum control_kind kind;
    uint64_t id; /* 0 for hello, and for an error that concerns the connection as a whole */

    json_t *body;               /* REQUEST: params, an object; EVENT, RESULT: an object; else NULL */
    const char *method;         /* REQUEST */
    struct control_fault fault; /* ERROR */

    int64_t protocol; /* HELLO: of any peer, whatever else its hello holds */
    const char *version, *role;
    const char *machine; /* HELLO: where it comes from, as the gateway says; NULL: this machine */
};

/* Takes apart one line, without its newline. 0, -ENOMEM, or -EBADMSG for what is no message. */
int control_parse(struct control_message *message, const char *line, size_t len);
void control_message_free(struct control_message *message); /* also of one that failed to parse */

/* Append a line. The JSON values are borrowed; NULL stands for {}. On lack of memory `out->failed` is set; -EMSGSIZE
 * for a line over the limit, and `out` is as before. */
void control_write_hello(struct buf *out, const char *role, const char *version);
int control_write_request(struct buf *out, uint64_t id, const char *method, json_t *params);
int control_write_event(struct buf *out, uint64_t id, json_t *event);
int control_write_result(struct buf *out, uint64_t id, json_t *result);
int control_write_error(struct buf *out, uint64_t id, const struct control_fault *fault);

/* Cuts what arrives into lines. Zero-initialized; control_lines_free. */
struct control_lines {
    char *data;
    size_t start, len, cap; /* bytes [start, len) are not taken yet */
    size_t searched;        /* no newline in front of it */
};

/* Room for what arrives next, and how much; NULL when out of memory. `*room` is never 0. */
char *control_lines_room(struct control_lines *lines, size_t *room);
void control_lines_arrived(struct control_lines *lines, size_t len);

/* The next whole line, NUL in place of its newline, valid until the next call of control_lines_room: 1; 0: there is
 * none yet; -EMSGSIZE: it is over the limit, and will never come. */
int control_lines_next(struct control_lines *lines, char **line, size_t *len);
void control_lines_free(struct control_lines *lines);

/* An error code as an errno, negative, and back ("internal", -EPROTO, for what has no other):
 *   not-found ENOENT, ambiguous ENOTUNIQ, exists EEXIST, invalid EINVAL, no-daemon EHOSTDOWN, failed EIO, refused
 * EPERM, lost ECONNRESET (the connection ended before the answer came; nothing is known of the request's fate). */
int control_code_errno(const char *code);
const char *control_errno_code(int code);

#endif
