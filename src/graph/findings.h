/* What was found wrong, kept with its place until somebody prints it. */
#ifndef GRAPH_FINDINGS_H
#define GRAPH_FINDINGS_H

#include "graph/model.h"

/* Adds a finding. `hint` says what would be right, or is NULL; it is copied. `is_type` marks what the type checks say.
 */
void finding_add(struct graph *graph, enum graph_severity severity, bool is_type, struct graph_place place,
                 const char *hint, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* So many errors that no more work should go into hints. */
bool findings_are_many(const struct graph *graph);

/* Puts the findings in the order of the files, their lines and columns, each once. Files stand in the order they were
 * read. Nothing can be added afterwards. */
void findings_sort(struct graph *graph);

#endif
