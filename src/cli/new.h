/* `dora new`, in parts. */
#ifndef CLI_NEW_H
#define CLI_NEW_H

#include <limits.h>
#include <stdbool.h>

#include "base/error.h"

enum project_kind { PROJECT_DATAFLOW, PROJECT_NODE, PROJECT_OPERATOR };

struct project {
    const char *name, *language; /* as on the command line: "c", "cxx", "python" */
    enum project_kind kind;
    bool is_python;
    char module[NAME_MAX + 1]; /* the name as Python can import it, and as a library can be called */
};

/* Writes the template's files into the folder of that name, which is there and empty. 0 or a negative errno, with what
 * was written left as it is. */
int new_write_files(const struct project *project, struct error *error);

/* Prints what was made, and how to go on. */
void new_print_steps(const struct project *project);

#endif
