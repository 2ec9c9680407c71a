/* `dora topic list`: what the nodes of a dataflow send, and to whom. */
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/json_value.h"
#include "cli/session.h"
#include "cli/table.h"

static void add_row(struct table *table, const json_t *topic)
{
    autobuf struct buf list = {0};
    json_t *subscriber;
    size_t i;
    json_array_foreach(json_object_get(topic, "subscribers"), i, subscriber)
        buf_printf(&list, "%s%s", i ? ", " : "", json_string_value(subscriber));
    table_add(table, "%s", json_text(topic, "node"));
    table_add(table, "%s", json_text(topic, "output"));
    table_add(table, "%s", list.data ? list.data : "");
}

static int run(const struct options *options)
{
    static const struct table_column columns[] = {
        {.title = "Node", .least = 8}, {.title = "Name", .least = 8}, {.title = "Subscribers", .least = 12}};
    json_t *result = ask(options, "topic.list", NULL, SESSION_PATIENCE);
    if (!result)
        return COMMAND_FAILED;
    bool is_json = ask_wants_json(options), ok = true;
    struct table table;
    table_init(&table, columns, 3);
    json_t *topic;
    size_t i;
    json_array_foreach(json_object_get(result, "topics"), i, topic)
    {
        if (!is_json)
            add_row(&table, topic);
        else
            ok = ok && ask_print_line(json_pack("{s:O, s:O, s:O}", "node", json_object_get(topic, "node"), "name",
                                                json_object_get(topic, "output"), "subscribers",
                                                json_object_get(topic, "subscribers")));
    }
    if (!is_json)
        ok = table_print(&table) == 0;
    table_free(&table);
    json_decref(result);
    return ok ? COMMAND_OK : COMMAND_FAILED;
}

static const struct option_spec options[] = {ASK_DATAFLOW, ASK_FORMAT, {0}};

const struct command command_topic_list = {
    .name = "topic list",
    .summary = "List the outputs of a dataflow's nodes and who receives them",
    .details = "With --format json, each line is an object: {\"node\", \"name\", \"subscribers\": [\"node/input\", …]}",
    .example = "dora topic list -d vision",
    .options = options,
    .run = run,
};
