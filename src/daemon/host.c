/* Operators: many participants, one process. */
#include "daemon/dataflow.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

/* What the kernel takes as one variable is 128 KiB, with the name. */
enum { TEXT_MOST = 127 * 1024 };

struct participant *host_of(struct participant *participant)
{
    return participant->host ? participant->host : participant;
}

/* The host's operators, one after the other: NULL stands before the first and behind the last. */
static struct participant *next(const struct participant *host, const struct participant *last)
{
    const struct dataflow *dataflow = host->dataflow;
    uint32_t i = 0;
    while (last && dataflow->participants[i++] != last)
        ;
    for (; i < dataflow->count; i++)
        if (dataflow->participants[i]->host == host && !dataflow->participants[i]->is_removed)
            return dataflow->participants[i];
    return NULL;
}

int host_attach(struct dataflow *dataflow, struct error *error)
{
    for (uint32_t i = 0; i < dataflow->count; i++) {
        struct participant *participant = dataflow->participants[i];
        const char *host = participant->node->host;
        if (host && !(participant->host = population_find(dataflow, host)))
            return error_set(error, -EINVAL, "operator `%s` has no host", participant->node->id);
    }
    return 0;
}

/* ---- What the process is told ---- */

static int add_source(const struct participant *participant, const struct graph_operator *op, const char *directory,
                      struct buf *text, struct error *error)
{
    const char *slash = strrchr(op->path, '/'), *name = slash ? slash + 1 : op->path;
    if (op->source == GRAPH_OPERATOR_WASM)
        return error_set(error, -ENOTSUP, "operator `%s`: WebAssembly is not supported", op->id);
    if (strstr(op->path, "://"))
        return error_set(error, -ENOTSUP,
                         "operator `%s`: a source that is a URL is not supported; download it to a file", op->id);
    if (strchr(op->path, '\n') || strchr(directory, '\n') || strchr(op->id, '\n') ||
        strchr(participant->node->id, '\n'))
        return error_set(error, -EINVAL, "operator `%s`: a line can't end within a name", op->id);
    const char *before = op->path[0] == '/' ? "" : directory, *between = *before ? "/" : "";
    if (op->source == GRAPH_OPERATOR_PYTHON)
        buf_printf(text, "python %s%s%s\n", before, between, op->path);
    else
        buf_printf(text, "library %s%s%.*slib%s.so\n", before, between, (int)(name - op->path), op->path, name);
    return 0;
}

static int add_operator(const struct participant *participant, const struct graph_operator *op, const char *directory,
                        struct buf *text, struct error *error)
{
    char config[PROTO_CONFIG_TEXT_MOST];
    buf_printf(text, "operator %s\nthread %s\n", op->id, op->thread && *op->thread ? op->thread : op->id);
    int rc = add_source(participant, op, directory, text, error);
    proto_config_print(config, participant->dataflow->daemon->socket_name, participant->token);
    buf_printf(text, "connect %s\n", config);
    return rc;
}

int host_configure(struct participant *participant, const char *directory, struct buf *text, struct error *error)
{
    int rc = 0;
    buf_printf(text, "node %s\n", participant->node->id);
    if (!participant->is_host)
        rc = add_operator(participant, participant->node->operators, directory, text, error);
    for (struct participant *op = NULL; (op = next(participant, op));) {
        rc = rc < 0 ? rc : participant_make_token(op, error);
        rc = rc < 0 ? rc : add_operator(op, op->node->operators, directory, text, error);
    }
    if (rc == 0 && text->len > TEXT_MOST)
        return error_set(error, -E2BIG,
                         "its %zu operators are more than one process can be told of; put some into another node",
                         participant->node->operator_count);
    return rc == 0 && text->failed ? error_set(error, -ENOMEM, "no memory to start its operators") : rc;
}

/* ---- Its life ---- */

void host_started(struct participant *host)
{
    for (struct participant *op = NULL; (op = next(host, op));) {
        op->end = (struct process_end){0};
        op->state = PARTICIPANT_STARTING;
        reload_begin(op);
    }
}

bool host_is_awaited(const struct participant *host)
{
    for (struct participant *op = NULL; (op = next(host, op));)
        if (op->state == PARTICIPANT_STARTING)
            return true;
    return false;
}

void host_ask(struct participant *host)
{
    for (struct participant *op = NULL; (op = next(host, op));)
        participant_send(op, &(struct proto_packet){.type = PROTO_STOP});
}

static void __attribute__((format(printf, 2, 3))) complain(struct participant *op, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (vasprintf(&op->complaint, format, args) < 0)
        op->complaint = NULL; /* its process's status has to say enough */
    va_end(args);
    op->end.complaint = op->complaint;
}

/* The operator that all others ended with; NULL: none of them did. */
static const struct participant *culprit_of(const struct participant *host)
{
    for (struct participant *op = NULL; (op = next(host, op));)
        if (op->end.complaint || op->end.wrongdoing)
            return op;
    return NULL;
}

void host_gone(struct participant *host)
{
    struct dataflow *dataflow = host->dataflow;
    const bool is_failure = host->end.by_signal || host->end.code != 0;
    for (struct participant *op = NULL; (op = next(host, op));)
        if (op->peer && op->state != PARTICIPANT_ENDED)
            peer_drain(op->peer); /* what it said last */
    const struct participant *culprit = culprit_of(host);
    /* Before its operators have come, nobody knows which of them it was. */
    if (!dataflow->has_started && !culprit && is_failure && !host->end.is_refused && host_is_awaited(host))
        dataflow_fail_start(dataflow, host);
    for (struct participant *op = NULL; (op = next(host, op));) {
        if (op->state == PARTICIPANT_ENDED || op->state == PARTICIPANT_ABSENT)
            continue;
        const bool is_own = op->end.complaint || op->end.killed != KILL_NONE;
        op->end.by_signal = host->end.by_signal;
        op->end.code = host->end.code;
        op->end.is_terminated |= host->end.is_terminated || dataflow->culprit == host;
        if (is_own)
            ;
        else if (culprit && is_failure)
            complain(op, "it was lost with its host, which operator `%s` ended", culprit->node->id);
        else
            op->end.killed = host->end.killed;
        participant_gone(op);
    }
}

void host_judge(struct participant *host)
{
    if (host->result.ok)
        return;
    for (struct participant *op = NULL; (op = next(host, op));)
        if (op->state == PARTICIPANT_ENDED && !op->result.ok && op->result.cause != NODE_CASCADING) {
            host->result.cause = NODE_CASCADING;
            host->result.because = op->node->id;
            snprintf(host->message, sizeof host->message, "its operator `%s` failed", op->node->id);
            return;
        }
}
