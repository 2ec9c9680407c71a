#include "cli/machines.h"

#include <string.h>

#include "base/buf.h"
#include "cli/ask.h"
#include "cli/json_value.h"
#include "cli/table.h"
#include "control/standing.h"

static const json_t *find(const json_t *status, const char *key)
{
    json_t *daemon;
    size_t i;
    json_array_foreach(json_object_get(status, "daemons"), i,
                       daemon) if (json_is_true(json_object_get(daemon, key)) &&
                                   json_is_true(json_object_get(daemon, "alive"))) return daemon;
    return NULL;
}

const json_t *machine_known(const json_t *status, const char *id)
{
    json_t *daemon;
    size_t i;
    json_array_foreach(json_object_get(status, "daemons"), i,
                       daemon) if (strcmp(json_text(daemon, "id"), id) == 0) return daemon;
    return NULL;
}

const json_t *machine_here(const json_t *status)
{
    struct control_standing standing;
    return control_standing_read(&standing) == 0 ? machine_known(status, standing.id) : find(status, "here");
}

const json_t *machine_of_coordinator(const json_t *status)
{
    return find(status, "coordinator");
}

bool machines_are_several(const json_t *status)
{
    return json_array_size(json_object_get(status, "daemons")) > 1;
}

static void add_labels(struct table *table, const json_t *labels)
{
    autobuf struct buf text = {0};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)labels, key, value)
        buf_printf(&text, "%s%s=%s", text.len ? "," : "", key, json_string_value(value) ?: "");
    table_add(table, "%s", text.data ? text.data : "-");
}

static void add_time(struct table *table, const json_t *machine, const char *key)
{
    char text[ASK_TIME_MOST];
    double ns = json_number(machine, key);
    if (json_is_number(json_object_get(machine, key)))
        table_add(table, "%s%s", ns < 0 ? "-" : "", ask_time(text, (int64_t)(ns < 0 ? -ns : ns)));
    else
        table_add(table, "-");
}

int machines_print(const json_t *status)
{
    static const struct table_column columns[] = {
        {.title = "Machine", .least = 8},
        {.title = "State"},
        {.title = "Dataflows", .is_right = true},
        {.title = "Round trip", .is_right = true},
        {.title = "Skew", .is_right = true},
        {.title = "Labels", .least = 6},
        {.title = "Process", .is_right = true, .is_dispensable = true},
        {.title = "Version", .is_dispensable = true},
    };
    struct table table;
    json_t *machine;
    size_t i;
    table_init(&table, columns, sizeof columns / sizeof *columns);
    json_array_foreach(json_object_get(status, "daemons"), i, machine)
    {
        bool is_alive = json_is_true(json_object_get(machine, "alive"));
        const char *what = json_is_true(json_object_get(machine, "coordinator")) ? "coordinator" : "alive";
        table_add(&table, "%s%s", json_text(machine, "machine"),
                  json_is_true(json_object_get(machine, "here")) ? " *" : "");
        table_add(&table, "%s", is_alive ? what : "out of reach");
        table_add(&table, "%.0f", json_number(machine, "dataflows"));
        add_time(&table, machine, "round_trip");
        add_time(&table, machine, "skew");
        add_labels(&table, json_object_get(machine, "labels"));
        table_add(&table, is_alive ? "%.0f" : "-", json_number(machine, "pid"));
        table_add(&table, "%s", is_alive ? json_text(machine, "version") : "-");
    }
    int rc = table_print(&table);
    table_free(&table);
    return rc;
}
