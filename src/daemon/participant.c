/* A node's way into the dataflow: from its process's start over HELLO to START. */
#include "daemon/dataflow.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/edge.h"
#include "daemon/move.h"
#include "daemon/reporter.h"
#include "daemon/spawn.h"

/* After it has hung up without GOODBYE, a process has this long to end before its outputs are closed. */
static const int64_t hang_up_grace = CLOCK_SECOND / 5;
/* How long a node that starts later than the others waits for what takes its outputs to other machines. */
static const int64_t edge_patience = 2 * CLOCK_SECOND;

bool participant_is_here(const struct participant *participant)
{
    return participant->state == PARTICIPANT_JOINED || participant->state == PARTICIPANT_RUNNING;
}

int participant_send(struct participant *participant, const struct proto_packet *packet)
{
    if (!participant_is_here(participant) || participant->reporter)
        return 0;
    int rc = peer_send(participant->peer, packet);
    if (rc == -ENOBUFS)
        participant_break(participant, "it does not read what dora tells it");
    else if (rc < 0 && participant->is_watcher)
        participant_break(participant, strerror(-rc)); /* that is no reason to end what it looks at */
    else if (rc < 0)
        dataflow_fail(participant->dataflow, "node `%s` can't be told what it needs: %s", participant->node->id,
                      strerror(-rc));
    return rc;
}

void participant_refuse(struct participant *participant, enum proto_reason reason, const char *text)
{
    struct proto_refused body = {PROTO_VERSION, reason};
    participant_send(
        participant,
        &(struct proto_packet){
            .type = PROTO_REFUSED, .body = &body, .body_len = sizeof body, .text = {text}, .text_count = 1});
    participant->end.is_refused = true;
    host_of(participant)->end.is_refused = true; /* whose process ends of that */
    participant->state = PARTICIPANT_LEAVING;
    /* What it was sent can be read after the end. */
    if (participant->peer && !participant->peer->waiting)
        peer_hang_up(participant->peer);
}

/* ---- Starting its process ---- */

static void on_process(void *context, int events)
{
    (void)events;
    process_check(context);
}

/* Whether lines are to be passed on as they were printed: the host's are those of its operators. */
static bool is_raw_wanted(const struct participant *participant)
{
    const struct dataflow *dataflow = participant->dataflow;
    bool wanted = participant->node->send_stdout_as != NULL;
    for (uint32_t i = 0; participant->is_host && i < dataflow->count; i++)
        wanted |= dataflow->participants[i]->host == participant && dataflow->participants[i]->node->send_stdout_as;
    return wanted;
}

static void on_raw_line(void *context, const char *line, size_t len)
{
    reporter_raw(context, line, len);
}

static void on_log_line(void *context, const struct log_line *line)
{
    reporter_line(context, line);
    const struct daemon_observer *observer = &((struct participant *)context)->dataflow->observer;
    if (observer->log)
        observer->log(observer->context, line);
}

static void on_warning(void *context, const char *text)
{
    struct participant *participant = context;
    dataflow_notice(participant->dataflow, "node `%s`: %s", participant->node->id, text);
}

static void directory_of(const struct participant *participant, char path[PATH_MAX])
{
    const char *own = participant->node->working_dir;
    const char *base = participant->directory ? participant->directory : participant->dataflow->graph->directory;
    if (!own)
        snprintf(path, PATH_MAX, "%s", base);
    else if (own[0] == '/')
        snprintf(path, PATH_MAX, "%s", own);
    else
        snprintf(path, PATH_MAX, "%s/%s", base, own);
}

static int open_logs(struct participant *participant, const struct spawned *spawned, struct error *error)
{
    char path[PATH_MAX + 2 * DATAFLOW_ID_MOST];
    size_t len = (size_t)snprintf(path, sizeof path, "%s/out", participant->dataflow->graph->directory);
    mkdir(path, 0777); /* opening the log file tells what is wrong */
    len += (size_t)snprintf(path + len, sizeof path - len, "/%s", participant->dataflow->id);
    mkdir(path, 0777);
    autofree char *file = NULL;
    if (asprintf(&file, "%s/log_%s.jsonl", path, participant->node->id) < 0)
        file = NULL;
    return logs_open(&participant->logs, participant->dataflow->daemon->loop,
                     &(struct logs_options){.node = participant->node->id,
                                            .path = file,
                                            .out_fd = spawned->out_fd,
                                            .err_fd = spawned->err_fd,
                                            .min_level = participant->node->min_log_level,
                                            .max_size = participant->node->max_log_size,
                                            .max_rotated = participant->node->max_rotated_files,
                                            .on_raw = is_raw_wanted(participant) ? on_raw_line : NULL,
                                            .on_line = on_log_line,
                                            .on_warning = on_warning,
                                            .context = participant},
                     error);
}

int participant_make_token(struct participant *participant, struct error *error)
{
    /* Where to find it, and what nobody else can know. */
    uint32_t place[2] = {participant->dataflow->serial, participant->serial};
    memcpy(participant->token, place, sizeof place);
    const size_t secret = sizeof participant->token - sizeof place;
    if (getrandom(participant->token + sizeof place, secret, 0) != (ssize_t)secret)
        return error_sys(error, -errno, "get random bytes");
    return 0;
}

static void fail_spawn(struct participant *participant, const struct error *error)
{
    participant->result.cause = NODE_NOT_SPAWNED;
    participant->result.code = error->code;
    participant->result.ok = false;
    snprintf(participant->message, sizeof participant->message, "failed to spawn: %s", error->message);
    participant_end(participant);
}

void participant_spawn(struct participant *participant)
{
    struct dataflow *dataflow = participant->dataflow;
    const struct daemon *daemon = dataflow->daemon;
    char directory[PATH_MAX], config[PROTO_CONFIG_TEXT_MOST];
    autobuf struct buf runtime = {0};
    struct error error = ERROR_INIT;
    struct spawned spawned;
    participant->end = (struct process_end){0};
    participant->has_told_failure = false;
    directory_of(participant, directory);
    if (participant_make_token(participant, &error) < 0) {
        fail_spawn(participant, &error);
        return;
    }
    proto_config_print(config, daemon->socket_name, participant->token);
    if (participant->node->kind == GRAPH_NODE_OPERATORS &&
        host_configure(participant, directory, &runtime, &error) < 0) {
        fail_spawn(participant, &error);
        return;
    }
    if (spawn_node(&(struct spawn_request){.node = participant->node,
                                           .directory = directory,
                                           .config = runtime.data ? NULL : config,
                                           .runtime = runtime.data,
                                           .env = dataflow->options.env,
                                           .allow_shell = dataflow->options.allow_shell,
                                           .uv = dataflow->options.uv,
                                           .on_warning = on_warning,
                                           .context = participant},
                   &spawned, &error) < 0) {
        fail_spawn(participant, &error);
        return;
    }
    participant->pid = spawned.pid;
    participant->state = participant->is_host ? PARTICIPANT_HOSTING : PARTICIPANT_STARTING;
    if (participant->is_host)
        host_started(participant);
    dataflow_changed(dataflow);
    if (!participant->restarts.window_start)
        participant->restarts.window_start = clock_now();
    int watched =
        watch_open(&participant->process, daemon->loop, spawned.pid_fd, UV_READABLE, on_process, participant, &error);
    if (open_logs(participant, &spawned, &error) < 0 || watched < 0) {
        /* The signal of its death is noticed without a watch. */
        dataflow_fail(dataflow, "node `%s` can't be supervised: %s", participant->node->id, error.message);
        participant_kill(participant, KILL_USER);
    }
}

/* ---- What it says ---- */

/* Whether it may come back when its process has ended, so that its outputs stay open. */
static bool may_return(const struct participant *participant)
{
    if (participant->halt != HALT_NONE)
        return participant->halt == HALT_RESTART && participant->dataflow->step == STOP_NONE;
    if (move_is_leaving(participant))
        return true;
    return !participant->is_new && restart_possible(participant->node, &participant->restarts);
}

static void on_left(struct participant *participant)
{
    if (participant->is_dynamic || participant->host) {
        /* Its process may go on, and join again: it holds nothing of what it had. */
        watch_close(take_ptr(participant->partner));
        participant_gone(participant);
        return;
    }
    peer_hang_up(participant->peer);
    participant->state = PARTICIPANT_LEAVING;
    wiring_down_in(participant);
    /* Whether it is restarted shows when its process has ended; then its outputs stay open. */
    if (!may_return(participant)) {
        if (participant->end.complaint) {
            outcome_of(&participant->end, &participant->result, participant->message);
            participant_tell_failed(participant); /* before its inputs' end, which may end the subscriber */
        }
        wiring_down_out(participant);
        wiring_close_outputs(participant);
    }
    if (!participant->dataflow->has_started)
        alarm_set(participant->alarm, hang_up_grace);
}

/* The first reason is the one that counts. It is printed as it is, so nothing in it may command a terminal. */
static void on_failed(struct participant *participant, const char *text)
{
    if (participant->end.complaint)
        return;
    free(participant->complaint);
    participant->complaint = strdup(text);
    for (char *c = participant->complaint; c && *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    participant->end.complaint = participant->complaint ? participant->complaint : "of what it could not be remembered";
}

static void on_stop_all(const struct participant *participant)
{
    struct dataflow *dataflow = participant->dataflow;
    if (dataflow->step != STOP_NONE || !dataflow->has_started)
        return;
    dataflow_notice(dataflow, "node `%s` stops the dataflow", participant->node->id);
    if (dataflow->part && dataflow->observer.stop_all)
        dataflow->observer.stop_all(dataflow->observer.context);
    else
        stop_begin(dataflow, DAEMON_STOP_GRACE);
}

static void on_packet(void *context, struct peer *peer, struct proto_packet *packet)
{
    struct participant *participant = context;
    (void)peer;
    if (participant->packets_left-- == 0) {
        participant_break(participant, "it floods dora with messages");
        return;
    }
    if (packet->type == PROTO_GOODBYE) {
        if (participant->edge)
            edge_goodbye(participant->edge);
        on_left(participant);
        return;
    }
    const struct proto_index *index = packet->body;
    if (packet->type == PROTO_FAILED) {
        on_failed(participant, packet->text[0]);
        return;
    }
    if (packet->type == PROTO_STOP_ALL && !participant->is_watcher) {
        on_stop_all(participant);
        return;
    }
    if (packet->type == PROTO_LINK_CLOSED) {
        wiring_closed(participant, index->index);
        return;
    }
    if (packet->type == PROTO_CLOSE_OUTPUT && participant->state == PARTICIPANT_RUNNING &&
        index->index < participant->node->output_count) {
        wiring_close_output(participant, index->index);
        if (participant->edge)
            edge_output_closed(participant->edge);
    } else if (!move_hear(participant, packet)) {
        participant_break(participant, "it sent a message that no node sends now");
    }
}

static void still_there(struct participant *participant)
{
    if (!participant->dataflow->has_started)
        dataflow_fail_start(participant->dataflow, participant);
    else if (participant->is_dynamic || !may_return(participant))
        wiring_close_outputs(participant);
}

void participant_alarm(void *context)
{
    struct participant *participant = context;
    if (participant->state == PARTICIPANT_LEAVING)
        still_there(participant);
    else if (participant->state == PARTICIPANT_JOINED)
        participant_run(participant); /* without its edges */
    else if (participant->state == PARTICIPANT_ABSENT && participant->is_watcher)
        population_remove(participant); /* who asked for it has not come */
    else if (participant->state == PARTICIPANT_WAITING && participant->restarts.is_disabled)
        participant_end(participant);
    else if (participant->state == PARTICIPANT_WAITING)
        participant_spawn(participant);
}

static void on_gone(void *context, struct peer *peer, const char *why)
{
    struct participant *participant = context;
    if (why) {
        participant_break(participant, why);
        return;
    }
    peer_hang_up(peer);
    /* Its process has just crashed, most likely, and what that means shows at once. Its links stay until it is dead. */
    participant->state = PARTICIPANT_LEAVING;
    alarm_set(participant->alarm, hang_up_grace);
}

static const struct peer_owner owner = {on_packet, on_gone};

/* ---- Joining ---- */

static int send_port(struct participant *participant, enum proto_type type, struct proto_port port, const char *id,
                     const char *urn)
{
    return participant_send(
        participant,
        &(struct proto_packet){
            .type = type, .body = &port, .body_len = sizeof port, .text = {id, urn ? urn : ""}, .text_count = 2});
}

static int send_config(struct participant *participant)
{
    struct dataflow *dataflow = participant->dataflow;
    const struct graph_node *node = participant->node;
    struct peer *peer = participant->peer;
    struct proto_config body = {
        .flags = (dataflow->finish_with_inputs ? PROTO_FINISH_WITH_INPUTS : 0u) |
                 (participant->is_dynamic ? PROTO_DYNAMIC : 0u) | (move_is_arriving(participant) ? PROTO_LATE : 0u),
        .restart_count = participant->restarts.total,
        .input_count = (uint32_t)node->input_count,
        .output_count = (uint32_t)node->output_count,
    };
    if (dataflow->is_json_old)
        description_seal(dataflow, NULL); /* for want of memory, an older one has to do */
    int rc = participant_send(
        participant, &(struct proto_packet){.type = PROTO_CONFIG,
                                            .body = &body,
                                            .body_len = sizeof body,
                                            .text = {node->id, dataflow->id},
                                            .text_count = 2,
                                            .fds = {peer->page_fd, peer->bell_memory, peer->bell_event, dataflow->json},
                                            .fd_count = 4});
    if (rc < 0)
        return rc;
    close(take_fd(&peer->page_fd));
    for (uint32_t i = 0; rc == 0 && i < node->output_count; i++)
        rc = send_port(participant, PROTO_OUTPUT, (struct proto_port){.index = i}, node->outputs[i].id,
                       node->outputs[i].type);
    for (uint32_t i = 0; rc == 0 && i < node->input_count; i++) {
        const struct graph_input *input = &node->inputs[i];
        struct proto_port port = {.index = i, .timeout_ns = input->timeout_ns};
        port.kind = input->kind == GRAPH_INPUT_TIMER  ? PROTO_PORT_TIMER
                    : input->kind == GRAPH_INPUT_LOGS ? PROTO_PORT_LOGS
                                                      : PROTO_PORT_LINK;
        if (input->kind == GRAPH_INPUT_TIMER)
            port.interval_ns = input->interval_ns;
        rc = send_port(participant, PROTO_INPUT, port, input->id, input->type);
    }
    return rc;
}

void participant_join(struct participant *participant, struct peer *peer, int *arena)
{
    struct dataflow *dataflow = participant->dataflow;
    struct error error = ERROR_INIT;
    char refusal[OUTCOME_MESSAGE_MOST];
    const size_t ports = participant->node->input_count + participant->node->output_count;
    participant->peer = peer;
    participant->state = PARTICIPANT_JOINED;
    participant->packets_left = (uint32_t)participant->node->output_count + participant->in_count + 16;
    peer->owner = &owner;
    peer->context = participant;
    peer->waiting_most += 4 * (ports + participant->in_count + participant->out_count);
    struct participant *process = host_of(participant);
    if (peer->pid != process->pid && !process->partner &&
        process_partner(process, peer->pid, watch_fd(peer->socket), &error) < 0) {
        participant_refuse(participant, PROTO_REASON_RESOURCES, error.message);
        if (participant->is_dynamic)
            participant_gone(participant);
        return;
    }
    if (dataflow_refusal(dataflow, refusal)) {
        participant->end.is_excused = !dataflow->culprit && !dataflow->error;
        participant_refuse(participant, PROTO_REASON_CANCELED, refusal);
        return;
    }
    if (peer_share(peer, *arena, &error) < 0) {
        participant_refuse(participant, PROTO_REASON_RESOURCES, error.message);
        if (!participant->is_watcher)
            dataflow_fail(dataflow, "node `%s` can't join: %s", participant->node->id, error.message);
        return;
    }
    *arena = -1;
    if (send_config(participant) < 0)
        return;
    reload_begin(participant);
    dataflow->to_join -= !dataflow->has_started && !participant->is_dynamic;
    if (dataflow->part)
        edge_changed(dataflow);
    if (!dataflow->has_started)
        dataflow_begin(dataflow);
    else if (edge_is_awaited(participant))
        alarm_set(participant->alarm, edge_patience); /* part_tell lets it go before */
    else
        participant_run(participant);
}

void participant_run(struct participant *participant)
{
    struct dataflow *dataflow = participant->dataflow;
    if (participant->state != PARTICIPANT_JOINED)
        return;
    wiring_up(participant);
    if (move_is_arriving(participant)) {
        move_joined(participant); /* its links fill; move_finish lets it go */
        return;
    }
    wiring_report_closed(participant);
    participant_send(
        participant,
        &(struct proto_packet){.type = PROTO_START, .body = &dataflow->start, .body_len = sizeof dataflow->start});
    if (participant->state != PARTICIPANT_JOINED)
        return;
    participant->state = PARTICIPANT_RUNNING;
    if (participant->open_inputs + participant->other_inputs == 0)
        participant->restarts.is_disabled = true;
    participant->is_new = false;
    dataflow_changed(dataflow);
    /* relaxed: a count that only has to move. */
    participant->seen_activity = atomic_load_explicit(&participant->peer->page->activity, memory_order_relaxed);
    participant->seen_ns = clock_now();
    if (dataflow->step != STOP_NONE)
        participant_send(participant, &(struct proto_packet){.type = PROTO_STOP});
    population_settle(participant, true, 0, NULL);
    struct participant *old = take_ptr(participant->replaces);
    if (old) {
        old->is_replaced = true;
        edge_move(old, participant);
        halt_begin(old, HALT_REMOVE, participant->halt_grace_ns);
    }
}
