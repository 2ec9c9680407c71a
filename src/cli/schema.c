/* `dora schema`: the JSON schema of descriptors. */
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/report.h"
#include "graph/graph.h"

static int run(const struct options *options)
{
    (void)options;
    autobuf struct buf text = {0};
    struct error error = ERROR_INIT;
    if (graph_schema(&text, &error) < 0) {
        report_error("%s", error.message);
        return COMMAND_FAILED;
    }
    fwrite(text.data, 1, text.len, stdout);
    return COMMAND_OK;
}

const struct command command_schema = {
    .name = "schema",
    .summary = "Print the JSON schema of descriptors, for editors",
    .details =
        "Editors that know JSON schemas complete and check a descriptor while it is written. For those that use\n"
        "yaml-language-server, put the schema beside the dataflow and this line on top of it:\n"
        "  # yaml-language-server: $schema=dora-schema.json",
    .example = "dora schema > dora-schema.json",
    .run = run,
};
