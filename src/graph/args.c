#include "graph/draft.h"

#include <string.h>

#include "base/buf.h"
#include "graph/findings.h"

static void add(struct load *load, struct draft *draft, const char *text, size_t len)
{
    const char **slot = graph_push(load->graph, draft->node.args, &draft->node.arg_count);
    if (slot)
        *slot = graph_text_n(load->graph, text, len);
}

/* Takes what stands behind an opening quote up to the closing one; NULL where there is none. */
static const char *quoted(const char *text, char quote, struct buf *word)
{
    for (; *text && *text != quote; text++) {
        if (quote == '"' && *text == '\\' && text[1] && strchr("$`\"\\\n", text[1])) {
            if (*++text == '\n')
                continue;
        }
        buf_putc(word, *text);
    }
    return *text ? text + 1 : NULL;
}

void args_split(struct load *load, struct draft *draft, const char *text, struct graph_place place)
{
    if (draft->node.kind == GRAPH_NODE_SHELL) {
        add(load, draft, text, strlen(text));
        return;
    }
    autobuf struct buf word = {0};
    const char *fault = NULL;
    for (;;) {
        text += strspn(text, " \t\n\r");
        if (*text == '#') { /* a comment, as in a shell */
            text += strcspn(text, "\n");
            continue;
        }
        if (!*text)
            break;
        buf_clear(&word);
        while (*text && !strchr(" \t\n\r", *text) && !fault) {
            char c = *text++;
            if (c == '\'' || c == '"') {
                text = quoted(text, c, &word);
                if (!text)
                    fault = c == '"' ? "the quote `\"` is not closed" : "the quote `'` is not closed";
            } else if (c == '\\' && *text == '\n') {
                text++;
            } else if (c == '\\' && !*text) {
                fault = "nothing follows the `\\` at the end";
            } else {
                buf_putc(&word, c == '\\' ? *text++ : c);
            }
            if (fault)
                break;
        }
        if (fault) {
            finding_add(load->graph, GRAPH_ERROR, false, place, "to write a quote itself, put `\\` before it",
                        "invalid quoting in node args: %s", fault);
            return;
        }
        add(load, draft, word.data ? word.data : "", word.len);
    }
    if (word.failed)
        load->graph->private->out_of_memory = true;
}
