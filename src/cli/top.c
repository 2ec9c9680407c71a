/* `dora top`: the nodes that run and what they take, on the whole terminal or once. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/metrics.h"
#include "cli/report.h"
#include "cli/screen.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/top_view.h"

static const int64_t ONCE_PAUSE = CLOCK_SECOND / 2; /* rates need two looks */

struct top {
    struct control_client *client;
    json_t *params;
    struct metrics metrics;
    struct top_view view;
};

/* False: reported, on a screen that is a terminal's first again. */
static bool refresh(struct top *top)
{
    struct error error = ERROR_INIT;
    json_t *answer = NULL;
    int rc =
        control_call(top->client, "metrics", json_incref(top->params), SESSION_PATIENCE, NULL, NULL, &answer, &error);
    if (rc == 0)
        rc = metrics_update(&top->metrics, answer);
    else
        answer = NULL;
    if (rc == 0) {
        metrics_sort(&top->metrics, top->view.order);
        return true;
    }
    screen_close();
    if (error.code)
        session_report(top->client, rc, &error, json_object_size(top->params) > 0);
    else
        report_error("the coordinator's answer is not understood: %s", strerror(-rc));
    return false;
}

static void show(struct top *top)
{
    size_t columns, rows;
    screen_size(&columns, &rows);
    autobuf struct buf text = {0};
    top_view_format(&top->view, &top->metrics, columns, rows, &text);
    screen_show(&text);
}

enum turn { TURN_ON, TURN_REFRESH, TURN_END };

static enum turn handle(struct top *top, int key)
{
    struct top_view *view = &top->view;
    switch (key) {
    case 'q':
    case SCREEN_ESCAPE:
    case SCREEN_CLOSED:
        return TURN_END;
    case 'r':
    case SCREEN_NONE:
        return TURN_REFRESH;
    case 'j':
    case SCREEN_DOWN:
        view->selected++;
        break;
    case 'k':
    case SCREEN_UP:
        view->selected -= view->selected > 0;
        break;
    case 'n':
    case 'c':
    case 'm':
        view->order = key == 'n' ? METRICS_BY_NAME : key == 'c' ? METRICS_BY_CPU : METRICS_BY_MEMORY;
        metrics_sort(&top->metrics, view->order);
        break;
    default:
        break;
    }
    return TURN_ON;
}

static bool run_screen(struct top *top, int64_t interval)
{
    if (!refresh(top))
        return false;
    if (!screen_open()) {
        report_error("`dora top` needs a terminal");
        report_hint("`dora top --once` prints everything once, as JSON");
        return false;
    }
    for (enum turn turn = TURN_ON; turn != TURN_END;) {
        int64_t next = clock_after(clock_now(), interval);
        do {
            show(top);
            turn = handle(top, screen_key(next));
        } while (turn == TURN_ON);
        if (turn == TURN_REFRESH && !refresh(top))
            return false;
    }
    screen_close();
    return true;
}

static bool run_once(struct top *top, bool is_table)
{
    if (!refresh(top))
        return false;
    interrupt_sleep(clock_after(clock_now(), ONCE_PAUSE));
    if (!refresh(top))
        return false;
    if (is_table) {
        autobuf struct buf text = {0};
        struct buf links = {0};
        top_view_table(&top->metrics, table_terminal_width(STDOUT_FILENO), &text);
        top_view_links(&top->metrics, table_terminal_width(STDOUT_FILENO), &links);
        if (links.len)
            buf_printf(&text, "\n%s", links.data);
        buf_free(&links);
        fwrite(text.data, 1, text.len, stdout);
        return true;
    }
    json_t *list = top_view_json(&top->metrics);
    bool ok = list && json_dumpf(list, stdout, JSON_INDENT(2)) == 0;
    json_decref(list);
    putchar('\n');
    return ok;
}

static int run(const struct options *options)
{
    int64_t interval = 2;
    if (!ask_number(options, "refresh-interval", 1, &interval))
        return COMMAND_USAGE;
    const char *dataflow = options_value(options, "dataflow"), *format = options_value(options, "format");
    struct top top = {.params = dataflow ? json_pack("{s:s}", "dataflow", dataflow) : json_object()};
    bool is_table = format && strcmp(format, "table") == 0, ok = false;
    if (top.params && (top.client = session_open(options)))
        ok = options_has(options, "once") ? run_once(&top, is_table) : run_screen(&top, interval * CLOCK_SECOND);
    metrics_free(&top.metrics);
    json_decref(top.params);
    control_client_close(top.client);
    return ok ? COMMAND_OK : COMMAND_FAILED;
}

static const struct option_spec options[] = {
    ASK_DATAFLOW,
    {.name = "refresh-interval", .value = "SECONDS", .help = "Look again so often, a whole number from 1 (2)"},
    {.name = "once", .help = "Print everything once and end"},
    {.name = "format",
     .letter = 'f',
     .value = "FORMAT",
     .choices = "table|json",
     .help = "How --once prints it; JSON where nothing is said"},
    {0},
};

#define DETAILS                                                                                                        \
    "For each node: CPU (percent of a core), memory, messages that wait in its inputs, that those have dropped,\n"     \
    "messages and bytes a second in and out, how long messages were under way to it (P50 and P99, from every\n"        \
    "eighth message), restarts, and what it reads from and writes to disks. Below, where there are several machines, " \
    "the\n"                                                                                                            \
    "links between them: round trip, bytes there and back, messages that are not acknowledged, that arrived with a "   \
    "gap\n"                                                                                                            \
    "and were sent again, and that were no messages.\n\n"                                                              \
    "Keys: q or Esc ends; up, k, down, j select; n, c, m sort by name, CPU, memory; r looks again at once.\n\n"        \
    "With --once, one JSON array of objects, rates a second:\n"                                                        \
    "  {\"node\", \"status\", \"dataflow\", \"name\", \"pid\", \"cpu\": percent, \"memory\": bytes, \"restarts\",\n"   \
    "   \"machine\" (where there are several), \"queue\", \"dropped\", \"received_per_s\", \"sent_per_s\", "           \
    "\"net_rx\", \"net_tx\": bytes,\n"                                                                                 \
    "   \"dropped_per_s\", \"io_read\", \"io_write\": bytes or null, \"delay_p50\", \"delay_p99\": ns or\n"            \
    "   null, \"inputs\": [{\"id\", \"source\",\n"                                                                     \
    "   \"received\", \"dropped\", \"queued\", \"bytes\", \"delays\": [[ns at most, messages], …]}], \"outputs\": "  \
    "[{\"id\", \"sent\", \"bytes\",\n"                                                                                 \
    "   \"subscribers\"}]}"

const struct command command_top = {
    .name = "top",
    .summary = "Watch what nodes take and send",
    .details = DETAILS,
    .example = "dora top\n"
               "dora top --once -d vision",
    .options = options,
    .run = run,
};

const struct command command_inspect_top = {
    .name = "inspect top",
    .summary = "Watch what nodes take and send; the same as `dora top`",
    .details = DETAILS,
    .example = "dora inspect top --once",
    .options = options,
    .run = run,
};
