/* Arrow arrays as JSON, for people and programs. */
#ifndef CLI_ARROW_JSON_H
#define CLI_ARROW_JSON_H

#include "base/buf.h"
#include "dora/arrow_abi.h"

/* Appends the array's rows as a list. The structs are sound, as those of dora_event_arrow are.
 *
 * Numbers, true, false, null; floats that are no number as "NaN", "Infinity", "-Infinity"; text; bytes as hexadecimal
 * text; decimals, dates, times and timestamps as text ("12.50", "2024-02-29", "12:30:00.5", "2024-02-29T12:30:00Z");
 * durations and intervals in ISO 8601 ("PT1.5S"); lists; structs and maps as objects; of dictionaries, unions and runs
 * the value that is meant.
 *
 * From about `most` bytes on, the rest of each list is counted instead of printed and texts are cut, with an "…" (it is
 * no JSON then); SIZE_MAX: nothing is left out. */
void arrow_json(struct buf *out, const struct ArrowArray *array, const struct ArrowSchema *schema, size_t most);

/* Appends text with its quotes; what is not UTF-8 becomes U+FFFD. At most about `most` bytes of it, as above. */
void arrow_json_text(struct buf *out, const char *text, size_t len, size_t most);

/* A number that reads back the same. */
void arrow_json_double(struct buf *out, double value);

/* Nanoseconds since 1970 as "2024-02-29T12:30:00.5Z", with its quotes. */
void arrow_json_time(struct buf *out, int64_t ns);

/* The type as people call it: "int64", "list<utf8>", "struct<x: double>". */
void arrow_json_type(struct buf *out, const struct ArrowSchema *schema);

#endif
