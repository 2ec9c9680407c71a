#include "cli/top_view.h"

#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/json_value.h"
#include "cli/table.h"

static const struct table_column columns_of_top[] = {
    {.title = "NODE", .least = 10},
    {.title = "STATUS", .is_dispensable = true},
    {.title = "CPU%", .is_right = true},
    {.title = "MEMORY", .is_right = true},
    {.title = "QUEUE", .is_right = true},
    {.title = "DROPS", .is_right = true},
    {.title = "IN/s", .is_right = true},
    {.title = "OUT/s", .is_right = true},
    {.title = "P50", .is_right = true, .is_dispensable = true},
    {.title = "P99", .is_right = true, .is_dispensable = true},
    {.title = "NET RX", .is_right = true, .is_dispensable = true},
    {.title = "NET TX", .is_right = true, .is_dispensable = true},
    {.title = "RESTARTS", .is_right = true, .is_dispensable = true},
    {.title = "PID", .is_right = true, .is_dispensable = true},
    {.title = "MACHINE", .least = 7, .is_dispensable = true, .is_optional = true},
    {.title = "DATAFLOW", .least = 8, .is_dispensable = true},
    {.title = "I/O READ", .is_right = true, .is_dispensable = true},
    {.title = "I/O WRITE", .is_right = true, .is_dispensable = true},
};

static void add_bytes_rate(struct table *table, double bytes, bool is_known)
{
    char text[ASK_BYTES_MOST];
    if (is_known)
        table_add(table, "%s/s", ask_bytes(text, bytes));
    else
        table_add(table, "-");
}

static void add_delay(struct table *table, double ns)
{
    char text[ASK_TIME_MOST];
    table_add(table, "%s", ns > 0 ? ask_time(text, (int64_t)ns) : "-");
}

static void add_row(struct table *table, const struct metrics_row *row)
{
    char memory[ASK_BYTES_MOST];
    table_add(table, "%s", row->node);
    table_add(table, "%s", row->status);
    table_add(table, "%.1f", row->cpu);
    table_add(table, "%s", row->has_host ? "-" : ask_bytes(memory, row->memory));
    table_add(table, "%lld", (long long)row->queued);
    table_add(table, "%lld", (long long)row->dropped);
    table_add(table, "%.1f", row->receive_rate);
    table_add(table, "%.1f", row->send_rate);
    add_delay(table, row->delay_p50);
    add_delay(table, row->delay_p99);
    add_bytes_rate(table, row->receive_bytes_rate, true);
    add_bytes_rate(table, row->send_bytes_rate, true);
    table_add(table, "%lld", (long long)row->restarts);
    if (row->pid > 0)
        table_add(table, "%lld", (long long)row->pid);
    else
        table_add(table, "-");
    table_add(table, "%s", row->machine);
    table_add(table, "%s", row->name);
    add_bytes_rate(table, row->read_rate, row->read_bytes >= 0);
    add_bytes_rate(table, row->write_rate, row->written_bytes >= 0);
}

void top_view_table(const struct metrics *metrics, size_t columns, struct buf *out)
{
    struct table table;
    table_init(&table, columns_of_top, sizeof columns_of_top / sizeof *columns_of_top);
    for (size_t i = 0; i < metrics->count; i++)
        add_row(&table, &metrics->rows[i]);
    table_format(&table, columns, out);
    table_free(&table);
}

/* What the edges over a link count, in one direction: "to" the other machine or "from" it. */
static double sum_edges(const struct metrics *metrics, const json_t *link, const char *direction, const char *key)
{
    double total = 0;
    json_t *edge;
    size_t i;
    json_array_foreach(json_object_get(metrics->answer, "edges"), i,
                       edge) if (strcmp(json_text(edge, "machine"), json_text(link, "seen_by")) == 0 &&
                                 strcmp(json_text(edge, direction), json_text(link, "machine")) == 0) total +=
        json_number(edge, key);
    return total;
}

void top_view_links(const struct metrics *metrics, size_t columns, struct buf *out)
{
    static const struct table_column columns_of_links[] = {
        {.title = "MACHINE", .least = 7, .is_optional = true},
        {.title = "LINK TO", .least = 7},
        {.title = "ROUND TRIP", .is_right = true},
        {.title = "SENT", .is_right = true},
        {.title = "RECEIVED", .is_right = true},
        {.title = "WAITING", .is_right = true},
        {.title = "GAPS", .is_right = true, .is_dispensable = true},
        {.title = "REJECTED", .is_right = true, .is_dispensable = true},
    };
    const json_t *links = json_object_get(metrics->answer, "machines");
    struct table table;
    json_t *link;
    size_t i;
    if (json_array_size(links) == 0)
        return;
    table_init(&table, columns_of_links, sizeof columns_of_links / sizeof *columns_of_links);
    json_array_foreach((json_t *)links, i, link)
    {
        char bytes[ASK_BYTES_MOST];
        table_add(&table, "%s", json_text(link, "seen_by"));
        table_add(&table, "%s", json_text(link, "machine"));
        add_delay(&table, json_number(link, "round_trip"));
        table_add(&table, "%s", ask_bytes(bytes, sum_edges(metrics, link, "to", "bytes")));
        table_add(&table, "%s", ask_bytes(bytes, sum_edges(metrics, link, "from", "bytes")));
        table_add(&table, "%.0f", sum_edges(metrics, link, "to", "unacknowledged"));
        table_add(&table, "%.0f", sum_edges(metrics, link, "from", "gaps"));
        table_add(&table, "%.0f", sum_edges(metrics, link, "from", "rejected"));
    }
    table_format(&table, columns, out);
    table_free(&table);
}

/* The first line: all nodes together. */
static void add_total(const struct metrics *metrics, size_t columns, struct buf *out)
{
    double cpu = 0, memory = 0;
    size_t running = 0;
    for (size_t i = 0; i < metrics->count; i++) {
        cpu += metrics->rows[i].has_host ? 0 : metrics->rows[i].cpu; /* its host's has it in it */
        memory += metrics->rows[i].memory;
        running += strcmp(metrics->rows[i].status, "running") == 0;
    }
    char bytes[ASK_BYTES_MOST], line[160];
    snprintf(line, sizeof line, "dora top: %zu nodes, %zu running   CPU %.1f%%   memory %s", metrics->count, running,
             cpu, ask_bytes(bytes, memory));
    table_add_cut(out, line, columns);
    buf_putc(out, '\n');
}

static void add_line(struct buf *out, const char *line, size_t len, bool is_inverse)
{
    if (is_inverse)
        buf_puts(out, "\033[7m");
    buf_add(out, line, len);
    buf_puts(out, is_inverse ? "\033[0m\n" : "\n");
}

void top_view_format(struct top_view *view, const struct metrics *metrics, size_t columns, size_t rows, struct buf *out)
{
    enum { AROUND = 3 /* lines: total, titles, keys */ };
    size_t links = json_array_size(json_object_get(metrics->answer, "machines"));
    size_t around = AROUND + (links ? links + 1 : 0);
    size_t room = rows > around ? rows - around : 1;
    if (view->selected >= metrics->count)
        view->selected = metrics->count ? metrics->count - 1 : 0;
    if (view->first + room > metrics->count)
        view->first = metrics->count > room ? metrics->count - room : 0;
    if (view->selected < view->first)
        view->first = view->selected;
    if (view->selected >= view->first + room)
        view->first = view->selected - room + 1;

    add_total(metrics, columns, out);
    struct buf table = {0};
    top_view_table(metrics, columns, &table);
    const char *line = table.data;
    for (size_t i = 0; line && *line; i++) {
        size_t len = strcspn(line, "\n");
        if (i == 0 || (i > view->first && i <= view->first + room))
            add_line(out, line, len, i == view->selected + 1);
        line += len + (line[len] == '\n');
    }
    out->failed = out->failed || table.failed;
    buf_free(&table);
    top_view_links(metrics, columns, out);
    table_add_cut(out, "q quit   ↑↓ select   sort by: n name, c CPU, m memory   r refresh", columns);
    buf_putc(out, '\n');
}

static json_t *row_json(const struct metrics_row *row)
{
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:f, s:f, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f}", "node", row->node, "status",
        row->status, "dataflow", row->dataflow, "name", row->name, "pid", (json_int_t)row->pid, "cpu", row->cpu,
        "memory", row->memory, "restarts", (json_int_t)row->restarts, "queue", (json_int_t)row->queued, "dropped",
        (json_int_t)row->dropped, "received_per_s", row->receive_rate, "sent_per_s", row->send_rate, "net_rx",
        row->receive_bytes_rate, "net_tx", row->send_bytes_rate, "dropped_per_s", row->drop_rate);
    json_object_set_new(object, "io_read", row->read_bytes < 0 ? json_null() : json_real(row->read_rate));
    json_object_set_new(object, "io_write", row->written_bytes < 0 ? json_null() : json_real(row->write_rate));
    json_object_set_new(object, "delay_p50", row->delay_p50 > 0 ? json_real(row->delay_p50) : json_null());
    json_object_set_new(object, "delay_p99", row->delay_p99 > 0 ? json_real(row->delay_p99) : json_null());
    if (*row->machine)
        json_object_set_new(object, "machine", json_string(row->machine));
    json_object_set(object, "inputs", (json_t *)row->inputs);
    json_object_set(object, "outputs", (json_t *)row->outputs);
    return object;
}

json_t *top_view_json(const struct metrics *metrics)
{
    json_t *list = json_array();
    for (size_t i = 0; i < metrics->count; i++) {
        if (json_array_append_new(list, row_json(&metrics->rows[i])) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}
