/* Edges, by dataflow: what the daemon asks for, until it closes them. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gateway/edge_receive.h"
#include "gateway/edge_send.h"
#include "gateway/foreign.h"
#include "gateway/gateway.h"
#include "gateway/reach.h"
#include "gateway/stream.h"

struct edge {
    struct edge *next;
    struct flows *flows;
    char *dataflow, *topic, *machine;
    struct edge_send *send; /* one of the two */
    struct edge_receive *receive;
    struct control_request *opening; /* to be answered when it has joined */
    struct control_request *closing; /* when it has left */
    bool is_closed;                  /* to be freed when it has left */
    bool has_left;
    bool is_telling; /* the daemon what became of the node; not freed meanwhile */
};

/* dataflow.close, to be answered when the last edge has left. */
struct closing {
    struct closing *next;
    char *dataflow;
    struct control_request *request;
};

struct flows {
    struct gateway *gateway;
    struct edge *edges;
    struct closing *closings;
    struct foreign *foreign;
    struct reach *reach; /* edges whose machine has to answer first */
    uv_timer_t *tick;
    _Atomic bool is_ticking; /* a tick is to come, or asked for */
};

/* ---- What edges say ---- */

struct edge_mail {
    struct mail mail;
    struct edge *edge;
    int rc;
    bool is_restarted;
    char text[];
};

static void post(struct edge *edge, void (*open)(struct mail *mail), int rc, bool is_restarted, const char *text)
{
    size_t len = text ? strlen(text) : 0;
    struct edge_mail *mail = malloc(sizeof *mail + len + 1);
    if (!mail)
        return;
    *mail = (struct edge_mail){.mail.open = open, .edge = edge, .rc = rc, .is_restarted = is_restarted};
    memcpy(mail->text, text ? text : "", len + 1);
    mailbox_post(&edge->flows->gateway->mailbox, &mail->mail);
}

static void free_edge(struct edge *edge)
{
    if (edge->is_telling) {
        edge->is_closed = edge->has_left = true;
        return;
    }
    struct edge **at = &edge->flows->edges;
    while (*at && *at != edge)
        at = &(*at)->next;
    if (*at)
        *at = edge->next;
    edge_send_free(edge->send);
    edge_receive_free(edge->receive);
    if (edge->opening)
        control_refusef(edge->opening, "failed", NULL, "the edge was closed before it had joined");
    if (edge->closing)
        control_answer(edge->closing, json_object());
    free(edge->dataflow);
    free(edge->topic);
    free(edge->machine);
    free(edge);
}

static bool has_edges(const struct flows *flows, const char *dataflow)
{
    for (const struct edge *edge = flows->edges; edge; edge = edge->next)
        if (strcmp(edge->dataflow, dataflow) == 0 && !(edge->has_left && !edge->is_closed))
            return true;
    return false;
}

/* Answers what waited for the last edge of a dataflow. */
static void check_closings(struct flows *flows)
{
    for (struct closing **at = &flows->closings; *at;) {
        struct closing *closing = *at;
        if (has_edges(flows, closing->dataflow)) {
            at = &closing->next;
            continue;
        }
        *at = closing->next;
        control_answer(closing->request, json_object());
        free(closing->dataflow);
        free(closing);
    }
}

static void has_joined(struct mail *mail)
{
    struct edge_mail *said = (struct edge_mail *)mail;
    struct control_request *request = take_ptr(said->edge->opening);
    if (request && said->rc == 0)
        control_answer(request, json_object());
    else if (request)
        control_refusef(request, control_errno_code(said->rc), NULL, "the gateway can't join for %s: %s",
                        said->edge->topic, said->text);
    if (said->rc < 0)
        said->edge->is_closed = true;
    free(said);
}

static void has_left(struct mail *mail)
{
    struct edge_mail *said = (struct edge_mail *)mail;
    struct edge *edge = said->edge;
    struct flows *flows = edge->flows;
    edge->has_left = true;
    /* A receiver whose output has ended still says so to its sender. */
    if (edge->is_closed || edge->send)
        free_edge(edge);
    check_closings(flows);
    free(said);
}

/* The daemon has heard it: the stream goes on. */
static void news_heard(void *context, json_t *result, const struct control_fault *fault)
{
    (void)result, (void)fault;
    struct edge *edge = context;
    edge->is_telling = false;
    edge_receive_resume(edge->receive);
    if (edge->is_closed && edge->has_left)
        free_edge(edge);
}

static void has_news(struct mail *mail)
{
    struct edge_mail *said = (struct edge_mail *)mail;
    struct edge *edge = said->edge;
    static const struct control_calls calls = {.done = news_heard};
    int len = (int)strcspn(edge->topic, "/");
    json_t *params = json_pack("{s:s, s:s, s:s%}", "dataflow", edge->dataflow, "topic", edge->topic, "node",
                               edge->topic, (size_t)len);
    if (said->is_restarted)
        json_object_set_new(params, "restarted", json_true());
    else
        json_object_set_new(params, "failed", json_string(said->text) ?: json_string("it failed"));
    edge->is_telling = true;
    if (control_send(edge->flows->gateway->daemon, "node", params, &calls, edge) < 0)
        news_heard(edge, NULL, NULL);
    free(said);
}

static void on_joined(void *context, int rc, const char *message)
{
    post(context, has_joined, rc, false, message);
}

static void on_left(void *context)
{
    post(context, has_left, 0, false, NULL);
}

static void on_news(void *context, const char *failed)
{
    post(context, has_news, 0, !failed, failed);
}

/* ---- Acknowledgements, a while after ---- */

static void on_tick(uv_timer_t *timer)
{
    struct flows *flows = timer->data;
    /* seq_cst: before the edges are looked at; an edge that has something to acknowledge later asks anew. */
    atomic_store(&flows->is_ticking, false);
    for (struct edge *edge = flows->edges; edge; edge = edge->next)
        if (edge->receive)
            edge_receive_tick(edge->receive);
}

struct tick_mail {
    struct mail mail;
    struct flows *flows;
};

static void start_tick(struct mail *mail)
{
    struct flows *flows = ((struct tick_mail *)mail)->flows;
    if (flows->tick)
        uv_timer_start(flows->tick, on_tick, STREAM_ACK_DELAY / CLOCK_MILLI, 0);
    free(mail);
}

static void on_soon(void *context)
{
    struct flows *flows = ((struct edge *)context)->flows;
    if (atomic_exchange(&flows->is_ticking, true))
        return;
    struct tick_mail *mail = malloc(sizeof *mail);
    if (!mail) {
        /* The sender will ask. */
        atomic_store(&flows->is_ticking, false);
        return;
    }
    *mail = (struct tick_mail){.mail.open = start_tick, .flows = flows};
    mailbox_post(&flows->gateway->mailbox, &mail->mail);
}

/* ---- What the daemon asks for ---- */

static struct edge *find_edge(struct flows *flows, const char *dataflow, const char *topic, const char *machine,
                              bool is_send)
{
    for (struct edge *edge = flows->edges; edge; edge = edge->next)
        if (!edge->is_closed && !!edge->send == is_send && strcmp(edge->dataflow, dataflow) == 0 &&
            strcmp(edge->topic, topic) == 0 && strcmp(edge->machine, machine) == 0)
            return edge;
    return NULL;
}

/* It leaves; freed when it has. */
static void close_edge(struct edge *edge, bool drain)
{
    edge->is_closed = !drain || edge->receive;
    if (edge->has_left)
        free_edge(edge);
    else if (edge->send)
        edge_send_end(edge->send, drain);
    else
        edge_receive_end(edge->receive);
}

static void open_edge(struct flows *flows, struct control_request *request, json_t *params, bool is_send)
{
    struct gateway *gateway = flows->gateway;
    const char *dataflow, *topic, *machine, *config, *slash;
    if (json_unpack(params, "{s:s, s:s, s:s, s:s}", "dataflow", &dataflow, "topic", &topic, is_send ? "to" : "from",
                    &machine, "config", &config) < 0 ||
        !(slash = strchr(topic, '/'))) {
        control_refusef(request, "invalid", NULL, "an edge takes dataflow, topic, %s and config",
                        is_send ? "to" : "from");
        return;
    }
    struct edge *old = find_edge(flows, dataflow, topic, machine, is_send);
    if (old)
        close_edge(old, false);
    char key[KEY_MOST];
    struct error error = ERROR_INIT;
    struct edge *edge = calloc(1, sizeof *edge);
    int rc = -ENOMEM;
    if (edge) {
        *edge = (struct edge){.flows = flows,
                              .dataflow = strdup(dataflow),
                              .topic = strdup(topic),
                              .machine = strdup(machine),
                              .next = flows->edges};
        struct edge_options options = {.net = gateway->net,
                                       .stream = key,
                                       .config = config,
                                       .output = topic,
                                       .joined = on_joined,
                                       .news = on_news,
                                       .left = on_left,
                                       .soon = on_soon,
                                       .context = edge};
        if ((size_t)snprintf(key, sizeof key, "dora/@1/edge/%s/%s/%s", dataflow, is_send ? machine : gateway->machine,
                             topic) >= sizeof key)
            rc = error_set(&error, -ENAMETOOLONG, "the names of dataflow and topic are too long");
        else if (edge->dataflow && edge->topic && edge->machine)
            rc = is_send ? edge_send_open(&edge->send, &options, &error)
                         : edge_receive_open(&edge->receive, &options, &error);
    }
    if (rc < 0) {
        if (edge)
            free_edge(edge);
        control_refusef(request, control_errno_code(rc), NULL, "%s", *error.message ? error.message : strerror(-rc));
        return;
    }
    edge->opening = request;
    flows->edges = edge;
}

/* The machine that it goes to has answered. */
static void on_reached(void *context, struct control_request *request)
{
    open_edge(context, request, control_params(request), true);
}

static void request_edge_send(struct flows *flows, struct control_request *request, json_t *params)
{
    const char *dataflow, *topic, *machine;
    int is_checked = false;
    if (json_unpack(params, "{s:s, s:s, s:s, s?b}", "dataflow", &dataflow, "topic", &topic, "to", &machine, "reach",
                    &is_checked) < 0 ||
        !is_checked)
        open_edge(flows, request, params, true);
    else if (reach_wait(flows->reach, request, machine, dataflow, topic) < 0)
        control_refusef(request, "failed", NULL, "no memory for an edge");
}

static void request_edge_close(struct flows *flows, struct control_request *request, json_t *params)
{
    const char *dataflow, *topic, *to = NULL, *from = NULL;
    int is_silent = false;
    if (json_unpack(params, "{s:s, s:s, s?s, s?s, s?b}", "dataflow", &dataflow, "topic", &topic, "to", &to, "from",
                    &from, "silent", &is_silent) < 0 ||
        !to == !from) {
        control_refusef(request, "invalid", NULL, "edge.close takes dataflow, topic, to or from, and silent");
        return;
    }
    if (to)
        reach_cancel(flows->reach, dataflow, topic, to);
    struct edge *edge = find_edge(flows, dataflow, topic, to ? to : from, to);
    if (!edge) {
        control_answer(request, json_object());
        return;
    }
    edge->closing = request;
    if (is_silent && edge->send && !edge->has_left)
        edge_send_hand_over(edge->send);
    else
        close_edge(edge, false);
}

static void request_dataflow_close(struct flows *flows, struct control_request *request, json_t *params)
{
    const char *dataflow;
    struct closing *closing = calloc(1, sizeof *closing);
    if (json_unpack(params, "{s:s}", "dataflow", &dataflow) < 0 || !closing ||
        !(closing->dataflow = strdup(dataflow))) {
        free(closing);
        control_refusef(request, "invalid", NULL, "dataflow.close takes dataflow");
        return;
    }
    foreign_close_dataflow(flows->foreign, dataflow);
    reach_cancel(flows->reach, dataflow, NULL, NULL);
    for (struct edge *edge = flows->edges, *next; edge; edge = next) {
        next = edge->next;
        if (strcmp(edge->dataflow, dataflow) == 0)
            close_edge(edge, true);
    }
    closing->request = request;
    closing->next = flows->closings;
    flows->closings = closing;
    check_closings(flows);
}

bool flows_request(struct flows *flows, struct control_request *request, const char *method, json_t *params)
{
    if (strcmp(method, "edge.send") == 0)
        request_edge_send(flows, request, params);
    else if (strcmp(method, "edge.receive") == 0)
        open_edge(flows, request, params, false);
    else if (strcmp(method, "edge.close") == 0)
        request_edge_close(flows, request, params);
    else if (strcmp(method, "dataflow.open") == 0)
        foreign_open_dataflow(flows->foreign, request, params);
    else if (strcmp(method, "dataflow.close") == 0)
        request_dataflow_close(flows, request, params);
    else
        return false;
    return true;
}

json_t *flows_metrics(const struct flows *flows)
{
    json_t *list = json_array();
    for (const struct edge *edge = flows->edges; edge; edge = edge->next) {
        struct edge_counts counts = edge->send ? edge_send_counts(edge->send) : edge_receive_counts(edge->receive);
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "dataflow", edge->dataflow,
                            "topic", edge->topic, edge->send ? "to" : "from", edge->machine, "messages",
                            (json_int_t)counts.messages, "bytes", (json_int_t)counts.bytes, "unacknowledged",
                            (json_int_t)counts.unacknowledged, "resent", (json_int_t)counts.resent, "duplicates",
                            (json_int_t)counts.duplicates, "gaps", (json_int_t)counts.gaps, "rejected",
                            (json_int_t)counts.rejected, "lost", (json_int_t)counts.lost));
    }
    return list;
}

bool flows_has(const struct flows *flows, const char *machine)
{
    const struct edge *edge = flows->edges;
    while (edge && strcmp(edge->machine, machine) != 0)
        edge = edge->next;
    return edge;
}

/* ---- Life ---- */

int flows_open(struct flows **out, struct gateway *gateway)
{
    struct flows *flows = calloc(1, sizeof *flows);
    if (!flows)
        return -ENOMEM;
    flows->gateway = gateway;
    flows->tick = malloc(sizeof *flows->tick);
    if (!flows->tick || foreign_open(&flows->foreign, gateway) < 0 ||
        reach_open(&flows->reach, gateway, on_reached, flows) < 0) {
        foreign_free(flows->foreign);
        free(flows->tick);
        free(flows);
        return -ENOMEM;
    }
    uv_timer_init(gateway->loop, flows->tick);
    flows->tick->data = flows;
    *out = flows;
    return 0;
}

void flows_end(struct flows *flows)
{
    foreign_end(flows->foreign);
    reach_end(flows->reach);
    for (struct edge *edge = flows->edges, *next; edge; edge = next) {
        next = edge->next;
        close_edge(edge, false);
    }
}

bool flows_idle(const struct flows *flows)
{
    return !flows->edges && foreign_idle(flows->foreign) && reach_is_idle(flows->reach);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

void flows_free(struct flows *flows)
{
    if (!flows)
        return;
    foreign_free(flows->foreign);
    reach_free(flows->reach);
    while (flows->closings) {
        struct closing *closing = flows->closings;
        flows->closings = closing->next;
        control_answer(closing->request, NULL);
        free(closing->dataflow);
        free(closing);
    }
    uv_close((uv_handle_t *)flows->tick, on_closed);
    free(flows);
}
