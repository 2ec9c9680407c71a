/* The file of a cluster: its keys, and what they must be. Read as a descriptor is, so that what is wrong has its place.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cluster.h"
#include "cli/findings.h"
#include "cli/report.h"
#include "coordinator/machine.h"
#include "graph/draft.h"
#include "graph/findings.h"
#include "graph/keys.h"
#include "graph/model.h"

enum { FILE_MOST = 1 << 20 };

struct coordinator_draft {
    const char *addr, *id;
    uint32_t port;
};

struct machine_draft {
    struct cluster_machine machine;
    const struct tree *listen;
};

struct file_draft {
    const struct tree *coordinator, *machines;
    const char *certs, *zenoh_peer;
    bool is_insecure;
};

#define COORDINATOR(field) offsetof(struct coordinator_draft, field)
#define MACHINE(field)     offsetof(struct machine_draft, machine.field)
#define FILE_(field)       offsetof(struct file_draft, field)
#define TABLE(keys, what)                                                                                              \
    {                                                                                                                  \
#keys, what, keys, sizeof keys / sizeof *keys, NULL, 0                                                         \
    }

static const struct key coordinator_keys[] = {
    {"addr", KEY_TEXT, 0, KEY_REQUIRED, COORDINATOR(addr), NULL, NULL, "What other machines connect to."},
    {"port", KEY_UINT32, 0, 0, COORDINATOR(port), NULL, NULL, "The port there; 7447 if not set."},
    {"id", KEY_TEXT, 0, 0, COORDINATOR(id), NULL, NULL, "The machine's name, where it is not among `machines`."},
};
static const struct key_table coordinator_table = TABLE(coordinator_keys, "`coordinator`");

static const struct key machine_keys[] = {
    {"id", KEY_TEXT, 0, KEY_REQUIRED, MACHINE(id), NULL, NULL, "The machine's name."},
    {"host", KEY_TEXT, 0, KEY_REQUIRED, MACHINE(host), NULL, NULL, "What ssh connects to."},
    {"user", KEY_TEXT, 0, 0, MACHINE(user), NULL, NULL, "As whom."},
    {"port", KEY_UINT32, 0, 0, MACHINE(port), NULL, NULL, "The port of ssh."},
    {"dora", KEY_TEXT, 0, 0, MACHINE(dora), NULL, NULL, "The program there; `dora` if not set."},
    {"labels", KEY_TEXT_MAP, 0, 0, SIZE_MAX, NULL, NULL, "What `deploy.labels` can ask for."},
    {"listen", KEY_TEXTS, 0, 0, SIZE_MAX, NULL, NULL, "An endpoint, or a list of them."},
};
static const struct key_table machine_table = TABLE(machine_keys, "a machine");

static const struct key file_keys[] = {
    {"coordinator", KEY_BLOCK, 0, KEY_REQUIRED, FILE_(coordinator), NULL, &coordinator_table, "Its machine."},
    {"machines", KEY_BLOCKS, 0, KEY_REQUIRED, FILE_(machines), NULL, &machine_table, "The others."},
    {"certs", KEY_TEXT, 0, 0, FILE_(certs), NULL, NULL, "A folder that `dora cluster certs` has made."},
    {"insecure", KEY_BOOL, 0, 0, FILE_(is_insecure), NULL, NULL, "Allow clear text."},
    {"zenoh_peer", KEY_TEXT, 0, KEY_LATER, FILE_(zenoh_peer), NULL, NULL, "Has no effect."},
};
static const struct key_table file_table = TABLE(file_keys, "a cluster");

static void fault(struct cluster *cluster, struct graph_place place, const char *hint, const char *text)
{
    finding_add(cluster->graph, GRAPH_ERROR, false, place, hint, "%s", text);
}

static void add_listen(struct cluster *cluster, struct cluster_machine *machine, const struct tree *tree)
{
    const char *text = keys_text(cluster->graph, tree, "`listen`");
    struct error error = ERROR_INIT;
    if (!text)
        return;
    if (endpoint_check(text, cluster->is_insecure, &error) < 0) {
        fault(cluster, tree->place, error.code == -EPERM ? "write tls/…, or `insecure: true` above" : NULL,
              error.message);
        return;
    }
    const char **slot = graph_push(cluster->graph, machine->listen, &machine->listen_count);
    if (slot)
        *slot = text;
}

static bool is_literal(const char *host)
{
    return host[strspn(host, "0123456789.")] == '\0' || strchr(host, ':');
}

/* At its address, or at all where that is a name, which means this or that on the machine itself. */
static void listen_as_usual(struct cluster *cluster, struct cluster_machine *machine)
{
    const char **slot = graph_push(cluster->graph, machine->listen, &machine->listen_count);
    const char *host = machine->is_here ? cluster->addr : machine->host;
    host = is_literal(host) || endpoint_is_local_host(host) ? host : "0.0.0.0";
    if (slot)
        *slot = graph_format(cluster->graph, strchr(host, ':') ? "%s/[%s]:%u" : "%s/%s:%u",
                             cluster->certs ? "tls" : "tcp", host, cluster->port);
}

static void read_labels(struct cluster *cluster, struct cluster_machine *machine, const struct tree *labels)
{
    for (size_t i = 0; labels && labels->kind == TREE_MAP && i < labels->count; i++) {
        const struct tree_pair *pair = &labels->pairs[i];
        const char *value = keys_text(cluster->graph, pair->value, "a label");
        struct cluster_label *label = value ? graph_push(cluster->graph, machine->labels, &machine->label_count) : NULL;
        if (label)
            *label = (struct cluster_label){pair->key->text, value};
        if (strpbrk(pair->key->text, ",=") || !*pair->key->text || (value && strchr(value, ',')))
            fault(cluster, pair->key->place, NULL, "`,` and, in its key, `=` can't stand in a label");
    }
}

static void check_machine(struct cluster *cluster, const struct cluster_machine *machine)
{
    if (!machine_name_is_valid(machine->id))
        fault(cluster, machine->place, NULL, "only letters, digits, `_`, `.` and `-` can stand in a machine's id");
    if (!*machine->host || *machine->host == '-' || (machine->user && (!*machine->user || *machine->user == '-')))
        fault(cluster, machine->place, NULL, "a machine's `host` and `user` can't be empty, nor begin with `-`");
    if (machine->port > 65535)
        fault(cluster, machine->place, NULL, "no port is greater than 65535");
    for (size_t i = 0; i < cluster->machine_count; i++) {
        const struct cluster_machine *other = &cluster->machines[i];
        if (other != machine && strcmp(other->id, machine->id) == 0)
            fault(cluster, machine->place, "each machine needs an id of its own", "two machines have the same id");
    }
}

static void read_machine(struct cluster *cluster, const struct tree *tree)
{
    struct machine_draft draft = {.machine = {.place = tree->place, .dora = "dora"}};
    struct keys_given given = {0};
    if (!keys_read(cluster->graph, tree, &machine_table, &draft, &given, false) || !draft.machine.id ||
        !draft.machine.host)
        return;
    struct cluster_machine *machine = &draft.machine, *slot;
    machine->is_here = strcmp(machine->host, cluster->addr) == 0 || endpoint_is_local_host(machine->host);
    read_labels(cluster, machine, keys_given(&given, &machine_table, "labels"));
    const struct tree *listen = keys_given(&given, &machine_table, "listen");
    if (!listen)
        listen_as_usual(cluster, machine);
    else if (listen->kind != TREE_LIST)
        add_listen(cluster, machine, listen);
    for (size_t i = 0; listen && listen->kind == TREE_LIST && i < listen->count; i++)
        add_listen(cluster, machine, listen->items[i]);
    if (machine->is_here && cluster->machine_count > 0 && cluster->machines[0].host != NULL) {
        fault(cluster, tree->place, "the others are reached by ssh, by their own addresses",
              "two machines are the coordinator's: they have its address, or one of the loopback interface");
        return;
    }
    if (machine->is_here)
        slot = cluster->machines;
    else
        slot = graph_push(cluster->graph, cluster->machines, &cluster->machine_count);
    if (slot)
        *slot = *machine;
}

/* The coordinator's machine where no entry is about it. */
static void fill_first(struct cluster *cluster, const char *id)
{
    struct cluster_machine *first = cluster->machines;
    if (first->host)
        return;
    *first = (struct cluster_machine){.id = id, .host = cluster->addr, .dora = "dora", .is_here = true};
    listen_as_usual(cluster, first);
}

static void check_security(struct cluster *cluster, struct graph_place place)
{
    struct error error = ERROR_INIT;
    bool is_v6 = strchr(cluster->addr, ':') != NULL;
    snprintf(cluster->endpoint, sizeof cluster->endpoint, "%s/%s%s%s:%u", cluster->certs ? "tls" : "tcp",
             is_v6 ? "[" : "", cluster->addr, is_v6 ? "]" : "", cluster->port);
    int rc = endpoint_check(cluster->endpoint, cluster->is_insecure, &error);
    if (rc == -EPERM)
        fault(cluster, place,
              "`certs: FOLDER` with what `dora cluster certs` makes; or `insecure: true` on a network that you trust",
              "without certificates this cluster would speak in clear text");
    else if (rc < 0)
        fault(cluster, place, NULL, error.message);
}

static void read_file(struct cluster *cluster, const struct tree *tree, bool is_for_certs)
{
    struct file_draft draft = {0};
    struct coordinator_draft coordinator = {.port = ENDPOINT_PORT, .id = "coordinator"};
    struct graph *graph = cluster->graph;
    if (!keys_read(graph, tree, &file_table, &draft, NULL, false) || !draft.coordinator || !draft.machines ||
        !keys_read(graph, draft.coordinator, &coordinator_table, &coordinator, NULL, false) || !coordinator.addr)
        return;
    cluster->addr = coordinator.addr;
    cluster->port = coordinator.port;
    cluster->is_insecure = draft.is_insecure;
    if (draft.certs)
        cluster->certs = *draft.certs == '/' ? draft.certs
                                             : graph_format(graph, "%s%s%s", path_directory(graph, cluster->path),
                                                            strchr(cluster->path, '/') ? "/" : "", draft.certs);
    if (is_for_certs && !cluster->certs)
        cluster->certs = "certs";
    check_security(cluster, draft.coordinator->place);
    if (draft.machines->count == 0)
        fault(cluster, draft.machines->place, NULL, "a cluster has at least one machine");
    if (!graph_push(graph, cluster->machines, &cluster->machine_count))
        return;
    for (size_t i = 0; i < draft.machines->count && graph->error_count == 0; i++)
        read_machine(cluster, draft.machines->items[i]);
    fill_first(cluster, coordinator.id);
    for (size_t i = 0; i < cluster->machine_count && graph->error_count == 0; i++)
        check_machine(cluster, &cluster->machines[i]);
}

static bool is_any(const struct graph_finding *finding)
{
    (void)finding;
    return true;
}

bool cluster_load(struct cluster *cluster, const char *path, bool is_for_certs)
{
    autofree char *text = NULL;
    size_t len = 0;
    *cluster = (struct cluster){0};
    int rc = file_read(path, FILE_MOST, &text, &len);
    if (rc < 0) {
        report_error("can't read the cluster's file %s: %s", path, strerror(-rc));
        return false;
    }
    cluster->graph = graph_new();
    struct graph_file *file = cluster->graph ? graph_file_add(cluster->graph, path, text, len) : NULL;
    if (!file) {
        report_error("out of memory");
        return false;
    }
    cluster->path = file->name;
    const struct tree *tree = tree_read(cluster->graph, file);
    if (tree)
        read_file(cluster, tree, is_for_certs);
    else if (cluster->graph->error_count == 0)
        fault(cluster, (struct graph_place){file->name, 1, 1}, "it begins with `coordinator:`", "the file is empty");
    findings_sort(cluster->graph);
    findings_print(cluster->graph, stderr, is_any);
    if (cluster->graph->private->out_of_memory)
        report_error("out of memory");
    else if (cluster->graph->error_count)
        report_error("%s has %zu error%s", path, cluster->graph->error_count,
                     cluster->graph->error_count == 1 ? "" : "s");
    return cluster->graph->error_count == 0 && !cluster->graph->private->out_of_memory;
}

void cluster_free(struct cluster *cluster)
{
    graph_free(cluster->graph);
    *cluster = (struct cluster){0};
}
