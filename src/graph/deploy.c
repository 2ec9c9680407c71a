/* Where nodes run: what a node says of it, else its module's node, else the dataflow. */
#include <string.h>

#include "graph/draft.h"
#include "graph/findings.h"

static const char machine_letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

static void check(struct load *load, const struct keys_given *found, const struct graph_node *node)
{
    const struct tree *machine = keys_given(found, &keys_deploy, "machine");
    if (machine && node->machine &&
        (!*node->machine || strspn(node->machine, machine_letters) != strlen(node->machine)))
        finding_add(load->graph, GRAPH_ERROR, false, machine->place,
                    "it is what `dora daemon --machine-id` was given there, else the host's name",
                    "only letters, digits, `_`, `.` and `-` can stand in a machine's name");
}

void deploy_read(struct load *load, const struct tree *tree, struct graph_node *node)
{
    struct keys_given found = {0};
    if (!keys_read(load->graph, tree, &keys_deploy, node, &found, false))
        return;
    check(load, &found, node);
    const struct tree *labels = keys_given(&found, &keys_deploy, "labels");
    for (size_t i = 0; labels && i < labels->count; i++) {
        const char *value = keys_text(load->graph, labels->pairs[i].value, "a label");
        struct graph_label *label = value ? graph_push(load->graph, node->labels, &node->label_count) : NULL;
        if (label)
            *label = (struct graph_label){labels->pairs[i].key->text, value};
    }
}

void deploy_settle(struct load *load, struct draft *draft)
{
    struct graph_node *node = &draft->node;
    const struct graph_node *flow = &load->deploy;
    const struct draft *from = draft;
    while (from && !from->deploy)
        from = from->scope->module;
    if (from)
        deploy_read(load, from->deploy, node);
    if (!node->machine && !node->label_count) {
        node->machine = flow->machine;
        node->labels = flow->labels;
        node->label_count = flow->label_count;
    }
    if (!node->working_dir)
        node->working_dir = flow->working_dir;
    if (!node->distribute)
        node->distribute = flow->distribute;
}
