/* Arrow arrays as bytes: an array of the Arrow C data interface, of any type, to a payload and a type part, and back
 * without copying the payload.
 *
 * The payload is what readers use in place: the buffers of the array and its descendants, depth first, a dictionary
 * before the children, each starting at a multiple of ARROW_ALIGN and padded with zeros up to the next. A validity
 * bitmap without a null is left out. Offsets of text and lists are rebased, so that of a slice only what it needs is
 * sent; bitmaps start at the slice's byte, which leaves an offset below 8.
 *
 * The type part (numbers and text as in wire.h):
 *
 *     number fields        in the whole tree
 *     number blocks        of data in all view arrays together
 *     field:
 *         byte what        enum arrow_what
 *         text format      of the Arrow C data interface
 *         text name        if ARROW_HAS_NAME
 *         number size, metadata          if ARROW_HAS_METADATA
 *         number flags
 *         number n_children
 *         number length
 *         number offset
 *         number size of the data        of binary and text
 *         number blocks, size of each    of views
 *         field            the dictionary, if ARROW_HAS_DICTIONARY
 *         field × n_children
 *
 * The sizes and places of all other buffers follow from the type, length and offset, so there is nothing in it to
 * contradict them. Nulls are counted anew by the reader, as a wrong count misleads its user. The buffer of sizes that
 * ends the buffers of a view array is made anew by the reader.
 */
#ifndef NODE_ARROW_H
#define NODE_ARROW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "dora/arrow_abi.h"

enum { ARROW_ALIGN = 64, ARROW_DEPTH_MOST = 64 /* levels of nesting */ };

enum arrow_what {
    ARROW_HAS_NAME = 1,
    ARROW_HAS_METADATA = 2,
    ARROW_HAS_DICTIONARY = 4,
    ARROW_HAS_VALIDITY = 8,
};

/* The bytes that the array takes: `*payload` (a multiple of ARROW_ALIGN) and `*meta` for the type part. -EINVAL with a
 * message when array and schema contradict themselves or each other. The content of buffers is believed, except for the
 * first and last offsets. */
int arrow_measure(const struct ArrowArray *array, const struct ArrowSchema *schema, size_t *payload, size_t *meta,
                  struct error *error);

/* Writes what arrow_measure measured; the array must not have changed in between. */
void arrow_write(const struct ArrowArray *array, const struct ArrowSchema *schema, void *payload, void *meta);

/* The way back. The buffers of `*array` point into `payload` (aligned to ARROW_ALIGN), which has to stay until
 * `release_owner(owner)` is called: when the array, and every child that was moved out of it, have been released, by
 * whatever thread. `*schema` is independent of it all. On failure the owner is still the caller's, and neither struct
 * touched.
 *
 * Both parts come from another process. `meta` is copied before it is looked at. Of the payload everything is checked
 * that leads to other memory: offsets of text and lists, type ids and offsets of unions, dictionary indices, run ends,
 * views; for arrays of these types, and of a validity bitmap, the cost grows with their length. A sender that changes a
 * payload after it was read can still harm its reader: who doesn't trust the sender that far must copy the payload
 * first. That text is UTF-8 isn't checked.
 *
 * -EBADMSG: inconsistent; -ENOMEM. */
int arrow_read(const void *payload, size_t payload_len, const void *meta, size_t meta_len, void *owner,
               void (*release_owner)(void *), struct ArrowArray *array, struct ArrowSchema *schema);

/* ---- The simple case: one character says the type, and there is no type part ---- */

/* Whether the array is just numbers: of a primitive type (see arrow_plain_width), without nulls, name or metadata; or
 * the null array of length 0. Its bytes are `*data`, `*size`, and its type schema->format[0]; its flags don't matter,
 * as arrow_read_plain gives nullable to all. */
bool arrow_is_plain(const struct ArrowArray *array, const struct ArrowSchema *schema, const void **data, size_t *size);

/* Bytes of an element of the type c C s S i I l L e f or g; 0 for any other. */
int arrow_plain_width(char format);

/* As arrow_read, for such an array; `format` may be 'n' too. -EBADMSG when `size` is no multiple of the type's, or the
 * format not plain. */
int arrow_read_plain(char format, const void *data, size_t size, void *owner, void (*release_owner)(void *),
                     struct ArrowArray *array, struct ArrowSchema *schema);

#endif
