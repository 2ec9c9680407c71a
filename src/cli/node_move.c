/* `dora node move`: a node goes on on another machine. */
#include <stdio.h>

#include "base/clock.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/json_value.h"
#include "cli/report.h"

static int run(const struct options *options)
{
    const char *node = options->operands[0], *to = options_value(options, "to");
    if (!to) {
        report_error("`dora node move` needs --to MACHINE");
        report_hint("`dora status` shows which machines there are");
        return COMMAND_USAGE;
    }
    json_t *params = json_pack("{s:s, s:s}", "node", node, "to", to);
    if (!params || !ask_grace(options, params)) {
        json_decref(params);
        return params ? COMMAND_USAGE : COMMAND_FAILED;
    }
    json_t *result = ask(options, "node.move", params, CLOCK_NEVER);
    if (!result)
        return COMMAND_FAILED;
    const char *lost = json_text(result, "lost");
    if (*lost)
        fprintf(stderr, "warning: %s began afresh: its process on %s %s and did not hand over its state\n", node,
                json_text(result, "from"), lost);
    if (ask_wants_json(options))
        return ask_print_line(result) ? COMMAND_OK : COMMAND_FAILED;
    printf("%s: moved from %s to %s%s\n", node, json_text(result, "from"), json_text(result, "to"),
           json_is_true(json_object_get(result, "state")) ? ", with its state" : "");
    json_decref(result);
    return COMMAND_OK;
}

static const struct option_spec specs[] = {
    ASK_DATAFLOW, {.name = "to", .value = "MACHINE", .help = "Where it goes on"}, ASK_GRACE, ASK_FORMAT, {0}};

const struct command command_node_move = {
    .name = "node move",
    .operands = "NODE",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Let a node go on on another machine",
    .details = "The node is started there, and ended where it was; no message is lost, none comes twice, and the other "
               "nodes see a pause. What it has in its memory goes along where the node says how (dora_on_move in "
               "dora.h); else it begins afresh. Its program must be there under the same path.\n\n"
               "JSON: {\"node\", \"from\": machine, \"to\": machine, \"state\": whether it handed one over, \"lost\": "
               "text, where its old process has ended in another way}.",
    .example = "dora node move detector --to robot",
    .options = specs,
    .run = run,
};
