#include "cli/summary.h"

#include <stdio.h>
#include <string.h>

#include "cli/report.h"

enum { LINES_MOST = 30 };

/* The last lines of a text that ends with a newline. */
static const char *last_lines(const char *text)
{
    const char *at = text + strlen(text);
    for (int lines = 0; at > text; at--)
        if (at[-1] == '\n' && lines++ == LINES_MOST)
            break;
    return at;
}

static void print_node(const struct node_result *node, const char *dataflow_id)
{
    /* A node that says itself why it fails begins so. */
    static const char failed[] = "failed: ";
    bool says_it = strncmp(node->message, failed, sizeof failed - 1) == 0;
    fprintf(stderr, "\nNode `%s` %s%s", node->id, says_it ? "" : failed, node->message);
    if (!node->stderr_tail[0]) {
        fputc('\n', stderr);
        return;
    }
    const char *lines = last_lines(node->stderr_tail);
    static const char rule[] = "---------------------------------------------------------------------------------";
    fprintf(stderr, " with stderr output:\n%s\n", rule);
    if (lines > node->stderr_tail)
        fprintf(stderr, "[earlier lines are in out/%s/log_%s.jsonl]\n", dataflow_id, node->id);
    fprintf(stderr, "%s%s\n", lines, rule);
}

void summary_print(const struct dataflow_result *result, const char *dataflow_id)
{
    report_error("Dataflow failed:");
    if (result->error)
        fprintf(stderr, "\n%s\n", result->error);
    size_t consequences = 0;
    for (size_t i = 0; i < result->node_count; i++) {
        const struct node_result *node = &result->nodes[i];
        if (node->ok || node->dynamic || node->cause == NODE_NEVER_RAN)
            continue;
        if (node->cause == NODE_CASCADING)
            consequences++;
        else
            print_node(node, dataflow_id);
    }
    if (consequences)
        fprintf(stderr, "\nThere %s %zu more consequential error%s. Check the `out/%s` folder for full details.\n",
                consequences == 1 ? "is" : "are", consequences, consequences == 1 ? "" : "s", dataflow_id);
}
