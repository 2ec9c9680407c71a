#include "graph/draw_tip.h"

#include <inttypes.h>
#include <string.h>

#include "graph/draw_text.h"

enum { SHOWN_MAX = 34 }; /* columns */

static void escaped_n(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        switch (c) {
        case '&':
            buf_puts(out, "&amp;");
            break;
        case '<':
            buf_puts(out, "&lt;");
            break;
        case '>':
            buf_puts(out, "&gt;");
            break;
        case '"':
            buf_puts(out, "&quot;");
            break;
        case '\'':
            buf_puts(out, "&#39;");
            break;
        default:
            buf_putc(out, (char)(c < ' ' && c != '\n' ? ' ' : c == 0x7f ? ' ' : c));
        }
    }
}

void tip_text(struct buf *out, const char *text)
{
    escaped_n(out, text, strlen(text));
}

/* Characters of UTF-8; those from U+1100 on may be twice as wide. */
static size_t columns_of(const char *text)
{
    size_t columns = 0;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        columns += (c & 0xc0) != 0x80;
        columns += c >= 0xe2 ? 1 : 0;
    }
    return columns;
}

size_t tip_columns(const char *text)
{
    size_t columns = columns_of(text);
    return columns < SHOWN_MAX ? columns : SHOWN_MAX;
}

void tip_short(struct buf *out, const char *text)
{
    size_t end = 0, columns = 0;
    if (columns_of(text) <= SHOWN_MAX) {
        tip_text(out, text);
        return;
    }
    while (text[end]) {
        size_t next = end + 1;
        while (((unsigned char)text[next] & 0xc0) == 0x80)
            next++;
        columns += 1 + ((unsigned char)text[end] >= 0xe2);
        if (columns > SHOWN_MAX - 1)
            break;
        end = next;
    }
    escaped_n(out, text, end);
    buf_puts(out, "…");
}

void tip_node(struct buf *out, const struct graph_node *node)
{
    static const char *const restarts[] = {"never", "on failure", "always"};
    buf_puts(out, "<title>");
    tip_text(out, node->id);
    if (node->name) {
        buf_puts(out, "\n");
        tip_text(out, node->name);
    }
    if (node->description) {
        buf_puts(out, "\n");
        tip_text(out, node->description);
    }
    buf_printf(out, "\n\nkind: %s", draw_kind(node->kind));
    if (node->path) {
        buf_puts(out, "\npath: ");
        tip_text(out, node->path);
    }
    for (size_t i = 0; i < node->arg_count; i++) {
        buf_puts(out, i ? " " : "\nargs: ");
        tip_text(out, node->args[i]);
    }
    for (size_t i = 0; i < node->operator_count; i++) {
        buf_puts(out, "\noperator ");
        tip_text(out, node->operators[i].id);
        buf_puts(out, ": ");
        tip_text(out, node->operators[i].path ? node->operators[i].path : "");
    }
    if (node->restart != GRAPH_RESTART_NEVER)
        buf_printf(out, "\nrestart: %s", restarts[node->restart]);
    if (node->machine) {
        buf_puts(out, "\nmachine: ");
        tip_text(out, node->machine);
    }
    for (size_t i = 0; i < node->env_count; i++) {
        buf_puts(out, i ? "\n  " : "\nenv:\n  ");
        tip_text(out, node->env[i].name);
        buf_putc(out, '=');
        tip_text(out, node->env[i].value);
    }
    buf_puts(out, "</title>");
}

void tip_input(struct buf *out, const struct graph_node *node, const struct graph_input *input)
{
    buf_puts(out, "<title>");
    if (input->kind == GRAPH_INPUT_NODE) {
        tip_text(out, input->source);
        buf_putc(out, '/');
        tip_text(out, input->source_output);
    } else {
        autobuf struct buf text = {0};
        draw_source(&text, input);
        tip_text(out, text.data ? text.data : "");
    }
    buf_puts(out, " → ");
    tip_text(out, node->id);
    buf_putc(out, '/');
    tip_text(out, input->id);
    buf_printf(out, "\n\nqueue: %" PRIu64 ", %s", input->queue_size,
               input->queue_policy == GRAPH_BACKPRESSURE ? "backpressure" : "drop oldest");
    if (input->timeout_ns) {
        buf_puts(out, "\ntimeout: ");
        draw_interval(out, input->timeout_ns);
    }
    if (input->type) {
        buf_puts(out, "\ntype: ");
        tip_text(out, input->type);
    }
    buf_puts(out, "</title>");
}
