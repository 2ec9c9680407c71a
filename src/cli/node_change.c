/* `dora node restart|stop|add|remove|replace|connect|disconnect`: changes to a dataflow that runs. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/json_value.h"
#include "cli/report.h"

enum { YAML_MOST = 1 << 20 };

/* The daemon did it, and has something to say to it. */
static void warn(const json_t *result)
{
    size_t i;
    json_t *text;
    json_array_foreach(json_object_get(result, "warnings"), i, text)
        fprintf(stderr, "warning: %s\n", json_is_string(text) ? json_string_value(text) : "?");
}

/* Asks; what is done then is told by `done`, with `name` in it. Nodes take the time they take. */
static int change(const struct options *options, const char *method, json_t *params, const char *name, const char *done)
{
    json_t *result = ask(options, method, params, CLOCK_NEVER);
    if (!result)
        return COMMAND_FAILED;
    warn(result);
    printf("%s: %s\n", name, done);
    json_decref(result);
    return COMMAND_OK;
}

static int change_node(const struct options *options, const char *method, json_t *params, const char *done)
{
    if (!params || !ask_grace(options, params)) {
        json_decref(params);
        return params ? COMMAND_USAGE : COMMAND_FAILED;
    }
    const char *node = options->operand_count ? options->operands[0] : json_text(params, "node");
    return change(options, method, params, node, done);
}

static json_t *named(const struct options *options)
{
    return json_pack("{s:s}", "node", options->operands[0]);
}

/* Puts the text of --from-yaml and the folder it is in into `params`. False: reported. */
static bool read_yaml(const struct options *options, json_t *params)
{
    const char *path = options_value(options, "from-yaml");
    if (!path) {
        report_error("`dora %s` needs --from-yaml FILE", options->command->name);
        report_hint("the file has one node, as it stands in a descriptor's list `nodes`");
        return false;
    }
    autofree char *absolute = realpath(path, NULL);
    autofile FILE *file = absolute ? fopen(absolute, "re") : NULL;
    if (!file) {
        report_error("can't read %s: %s", path, strerror(errno));
        return false;
    }
    autobuf struct buf text = {0};
    char *room;
    size_t len;
    while (text.len <= YAML_MOST && (room = buf_reserve(&text, 4096)) && (len = fread(room, 1, 4096, file)) > 0)
        text.len += len;
    if (ferror(file) || text.len > YAML_MOST || text.failed) {
        report_error("can't read %s: %s", path, text.len > YAML_MOST ? "it is over 1 MiB" : strerror(errno));
        return false;
    }
    *strrchr(absolute, '/') = '\0';
    json_t *yaml = json_stringn(text.data ? text.data : "", text.len);
    if (!yaml) {
        report_error("%s is not UTF-8 text", path);
        return false;
    }
    return json_object_set_new(params, "yaml", yaml) == 0 &&
           json_object_set_new(params, "directory", json_string(*absolute ? absolute : "/")) == 0;
}

static int run_restart(const struct options *options)
{
    return change_node(options, "node.restart", named(options), "restarted");
}

static int run_stop(const struct options *options)
{
    return change_node(options, "node.stop", named(options), "stopped");
}

static int run_remove(const struct options *options)
{
    return change_node(options, "node.remove", named(options), "removed");
}

static int run_replace(const struct options *options)
{
    json_t *params = named(options);
    if (!params || !read_yaml(options, params)) {
        json_decref(params);
        return COMMAND_FAILED;
    }
    return change_node(options, "node.replace", params, "replaced");
}

static int run_add(const struct options *options)
{
    json_t *params = json_object();
    if (!params || !read_yaml(options, params)) {
        json_decref(params);
        return COMMAND_FAILED;
    }
    json_t *result = ask(options, "node.add", params, CLOCK_NEVER);
    if (!result)
        return COMMAND_FAILED;
    warn(result);
    const json_t *node = json_object_get(result, "node");
    printf("%s: added\n", json_is_string(node) ? json_string_value(node) : json_text(node, "id"));
    json_decref(result);
    return COMMAND_OK;
}

static bool is_port(const char *text)
{
    const char *slash = strchr(text, '/');
    if (slash && slash > text && slash[1])
        return true;
    report_error("`%s` is not of the form NODE/NAME", text);
    return false;
}

static int change_link(const struct options *options, const char *method, const char *done)
{
    const char *source = options->operands[0], *target = options->operands[1];
    if (!is_port(source) || !is_port(target))
        return COMMAND_USAGE;
    autofree char *name = NULL;
    if (asprintf(&name, "%s → %s", source, target) < 0) {
        report_error("out of memory");
        return COMMAND_FAILED;
    }
    return change(options, method, json_pack("{s:s, s:s}", "source", source, "target", target), name, done);
}

static int run_connect(const struct options *options)
{
    return change_link(options, "node.connect", "connected");
}

static int run_disconnect(const struct options *options)
{
    return change_link(options, "node.disconnect", "disconnected");
}

#define FROM_YAML                                                                                                      \
    {                                                                                                                  \
        .name = "from-yaml", .value = "FILE", .help = "The node, as it stands in a descriptor's list `nodes`"          \
    }

static const struct option_spec only_dataflow[] = {ASK_DATAFLOW, {0}};
static const struct option_spec grace[] = {ASK_DATAFLOW, ASK_GRACE, {0}};
static const struct option_spec yaml[] = {ASK_DATAFLOW, FROM_YAML, {0}};
static const struct option_spec yaml_grace[] = {ASK_DATAFLOW, FROM_YAML, ASK_GRACE, {0}};

const struct command command_node_restart = {
    .name = "node restart",
    .operands = "NODE",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "End a node's process and start it again",
    .example = "dora node restart detector --grace-duration 2s",
    .options = grace,
    .run = run_restart,
};

const struct command command_node_stop = {
    .name = "node stop",
    .operands = "NODE",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "End a node; the others go on",
    .example = "dora node stop recorder",
    .options = grace,
    .run = run_stop,
};

const struct command command_node_add = {
    .name = "node add",
    .summary = "Add a node to a dataflow that runs",
    .details = "What the other nodes send each other is not touched.",
    .example = "dora node add --from-yaml plot.yml -d vision",
    .options = yaml,
    .run = run_add,
};

const struct command command_node_remove = {
    .name = "node remove",
    .operands = "NODE",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "End a node and take it out of the dataflow",
    .example = "dora node remove plot",
    .options = grace,
    .run = run_remove,
};

const struct command command_node_replace = {
    .name = "node replace",
    .operands = "NODE",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Put another node in a node's place",
    .details = "The new node joins before the old one is stopped.",
    .example = "dora node replace detector --from-yaml detector.yml",
    .options = yaml_grace,
    .run = run_replace,
};

const struct command command_node_connect = {
    .name = "node connect",
    .operands = "NODE/OUTPUT NODE/INPUT",
    .min_operands = 2,
    .max_operands = 2,
    .summary = "Connect an output to an input",
    .example = "dora node connect camera/image plot/image",
    .options = only_dataflow,
    .run = run_connect,
};

const struct command command_node_disconnect = {
    .name = "node disconnect",
    .operands = "NODE/OUTPUT NODE/INPUT",
    .min_operands = 2,
    .max_operands = 2,
    .summary = "Take a connection away",
    .example = "dora node disconnect camera/image plot/image",
    .options = only_dataflow,
    .run = run_disconnect,
};
