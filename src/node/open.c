/* Joining a dataflow, and leaving it. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "node/event.h"
#include "node/node.h"
#include "shm/segment.h"

static const int64_t DEFAULT_POLL = 50 * 1000;
/* How long a daemon may take to answer a node that looks for its own: it does so as soon as it has read HELLO. */
static const int64_t ANSWER_PATIENCE = 2 * CLOCK_SECOND;

/* ---- Memory ---- */

static void free_node(dora_node *node)
{
    arena_close(&node->arena);
    free(node->id);
    free(node->dataflow_id);
    free(node);
}

void node_unref(dora_node *node)
{
    if (ref_drop(&node->refs))
        free_node(node);
}

static int make_node(dora_node **out, const dora_node_options *options, struct error *error)
{
    dora_node *node = calloc(1, sizeof *node);
    if (!node)
        return error_set(error, -ENOMEM, "no memory for a node");
    node->refs = 1;
    node->socket = node->poll_fd = node->timer_fd = -1;
    node->bell = (struct doorbell)DOORBELL_INIT;
    arena_init(&node->arena);
    stamp_init(&node->stamp);
    stamp_init(&node->taken_stamp);
    node->notes_end = &node->notes;
    node->notices_end = &node->notices;
    node->deferred_end = &node->deferred;
    int64_t poll = options ? options->poll_ns : 0;
    node->poll_ns = poll == 0 ? DEFAULT_POLL : poll;
    if (options) {
        node->wait_begin = options->wait_begin;
        node->wait_end = options->wait_end;
        node->wait_context = options->wait_context;
    }
    int rc = process_mark(&node->process);
    if (rc < 0) {
        free_node(node);
        return error_sys(error, rc, "memory for a node");
    }
    *out = node;
    return 0;
}

void dora_node_close(dora_node *node)
{
    if (!node)
        return;
    if (node_check(node) < 0) {
        /* What it has is the parent's, and a lock may be held by a thread that isn't here. */
        cleanup_close(&node->socket);
        return;
    }
    subscribe_close(node);
    lock_take(&node->lock);
    handover_say_last(node);
    if (node->socket >= 0 && !node->holds_on)
        proto_send(node->socket, &(struct proto_packet){.type = PROTO_GOODBYE}, 0);
    publish_close(node);
    while (node->notes) {
        struct note *note = node->notes;
        node->notes = note->next;
        proto_close_fds(&note->packet);
        free(note);
    }
    cleanup_close(&node->socket);
    lock_release(&node->lock);
    while (node->notices)
        event_unref(event_take_notice(&node->notices, &node->notices_end));
    while (node->deferred)
        event_unref(event_take_notice(&node->deferred, &node->deferred_end));
    event_free_memory(node->spare);
    cleanup_close(&node->poll_fd);
    cleanup_close(&node->timer_fd);
    doorbell_close(&node->bell);
    if (node->page)
        munmap(node->page, sizeof *node->page);
    if (node->descriptor)
        munmap((void *)node->descriptor, node->descriptor_size);
    handover_close(node);
    node->page = NULL;
    node->descriptor = NULL;
    node_unref(node);
}

/* ---- What the daemon says before START ---- */

static int refused(const struct proto_packet *packet, struct error *error)
{
    const struct proto_refused *body = packet->body;
    switch (body->reason) {
    case PROTO_REASON_VERSION:
        return error_set(error, -EPROTO,
                         "this node is built with libdora %s (protocol %d), but the daemon speaks protocol %u: %s",
                         DORA_VERSION, PROTO_VERSION, body->version, packet->text[0]);
    case PROTO_REASON_UNKNOWN:
        return error_set(error, -ENOENT, "%s", packet->text[0]);
    case PROTO_REASON_CANCELED:
        return error_set(error, -ECANCELED, "%s", packet->text[0]);
    case PROTO_REASON_RESOURCES:
        return error_set(error, -ENOMEM, "%s", packet->text[0]);
    default:
        return error_set(error, -EPROTO, "the daemon refused this node: %s", packet->text[0]);
    }
}

static int map_descriptor(dora_node *node, int fd, struct error *error)
{
    long long size = segment_size(fd, error);
    if (size < 0)
        return (int)size;
    if (size == 0)
        return error_set(error, -EPROTO, "the daemon sent an empty descriptor");
    void *map;
    int rc = segment_map(fd, (size_t)size, PROT_READ, &map, error);
    if (rc < 0)
        return rc;
    node->descriptor = map;
    node->descriptor_size = (size_t)size;
    return node->descriptor[size - 1] ? error_set(error, -EPROTO, "the daemon sent a torn descriptor") : 0;
}

static int configure(dora_node *node, struct proto_packet *packet, struct error *error)
{
    const struct proto_config *config = packet->body;
    void *page;
    if (node->id)
        return error_set(error, -EPROTO, "the daemon configured this node twice");
    int rc = segment_map(packet->fds[0], sizeof *node->page, PROT_READ | PROT_WRITE, &page, error);
    if (rc < 0)
        return error_add(error, "this node's page"), rc;
    node->page = page;
    rc = doorbell_open(&node->bell, packet->fds[1], packet->fds[2], error);
    if (rc < 0)
        return rc;
    packet->fds[2] = -1;
    rc = map_descriptor(node, packet->fds[3], error);
    if (rc < 0)
        return error_add(error, "the dataflow's descriptor"), rc;
    node->id = strdup(packet->text[0]);
    node->dataflow_id = strdup(packet->text[1]);
    node->inputs = calloc(config->input_count + 1, sizeof *node->inputs);
    node->outputs = calloc(config->output_count + 1, sizeof *node->outputs);
    if (!node->id || !node->dataflow_id || !node->inputs || !node->outputs)
        return error_set(error, -ENOMEM, "no memory for a node's %u inputs and %u outputs", config->input_count,
                         config->output_count);
    node->flags = config->flags;
    node->restart_count = config->restart_count;
    node->input_count = config->input_count;
    node->output_count = config->output_count;
    return 0;
}

static int add_output(dora_node *node, const struct proto_packet *packet, struct error *error)
{
    const struct proto_port *port = packet->body;
    if (port->index >= node->output_count || node->outputs[port->index].id)
        return error_set(error, -EPROTO, "the daemon names output %u of %zu", port->index, node->output_count);
    struct output *output = &node->outputs[port->index];
    output->id = strdup(packet->text[0]);
    output->id_len = strlen(packet->text[0]);
    return output->id ? 0 : error_set(error, -ENOMEM, "no memory for an output");
}

static int add_input(dora_node *node, const struct proto_packet *packet, struct error *error)
{
    const struct proto_port *port = packet->body;
    if (port->index >= node->input_count || node->inputs[port->index].id ||
        (port->kind == PROTO_PORT_TIMER && port->interval_ns <= 0))
        return error_set(error, -EPROTO, "the daemon names input %u of %zu", port->index, node->input_count);
    struct input *input = &node->inputs[port->index];
    input->id = strdup(packet->text[0]);
    input->kind = port->kind;
    input->interval_ns = port->interval_ns;
    input->timeout_ns = port->timeout_ns;
    input->deadline = CLOCK_NEVER;
    node->has_timers |= port->kind == PROTO_PORT_TIMER;
    node->has_timeouts |= port->timeout_ns > 0;
    return input->id ? 0 : error_set(error, -ENOMEM, "no memory for an input");
}

static int start(dora_node *node, const struct proto_packet *packet, struct error *error)
{
    const struct proto_start *start = packet->body;
    for (size_t i = 0; i < node->output_count; i++)
        if (!node->outputs[i].id)
            return error_set(error, -EPROTO, "the daemon has not named output %zu", i);
    node->epoch_ns = start->epoch_ns;
    node->epoch_ntp64 = start->epoch_ntp64;
    int64_t now = clock_now();
    struct input **served = &node->served;
    for (size_t i = 0; i < node->input_count; i++) {
        struct input *input = &node->inputs[i];
        if (!input->id)
            return error_set(error, -EPROTO, "the daemon has not named input %zu", i);
        *served = input;
        served = &input->served_after;
        if (input->kind != PROTO_PORT_TIMER)
            continue;
        /* The first tick is at the start itself; who joins later begins with the next one. */
        int64_t late = now - node->epoch_ns, tick = late < input->interval_ns ? 0 : late / input->interval_ns + 1;
        input->due = node->epoch_ns + (node->restart_count || node->flags & (PROTO_DYNAMIC | PROTO_LATE) ? tick : 0) *
                                          input->interval_ns;
    }
    return 0;
}

/* As proto_recv, within the caller's waits; -ETIMEDOUT: nothing came before `deadline`. */
static int hear(const dora_node *node, int64_t deadline, struct proto_packet *packet, void *buffer)
{
    const bool blocks = !node->wait_begin && deadline == CLOCK_NEVER;
    for (;;) {
        int rc = proto_recv(node->socket, packet, buffer, blocks ? 0 : MSG_DONTWAIT);
        if (rc != -EAGAIN)
            return rc;
        int64_t left = deadline - clock_now();
        if (left <= 0)
            return -ETIMEDOUT;
        wait_enter(node);
        poll(&(struct pollfd){.fd = node->socket, .events = POLLIN}, 1,
             left < CLOCK_SECOND ? (int)(left / CLOCK_MILLI) + 1 : 1000);
        rc = wait_leave(node);
        if (rc < 0)
            return rc;
    }
}

/* Reads packets up to START, the first until `deadline`. */
static int join(dora_node *node, int64_t deadline, struct error *error)
{
    for (;;) {
        _Alignas(8) char buffer[PROTO_PACKET_MOST];
        struct proto_packet packet;
        int rc = hear(node, deadline, &packet, buffer);
        deadline = CLOCK_NEVER;
        if (rc == 0)
            return error_set(error, -ECONNRESET, "the daemon has closed the connection before the dataflow started");
        if (rc < 0)
            return error_sys(error, rc, "receive from the daemon");
        bool started = false;
        if (packet.type == PROTO_REFUSED)
            rc = refused(&packet, error);
        else if (packet.type == PROTO_CONFIG)
            rc = configure(node, &packet, error);
        else if (!node->id)
            rc = error_set(error, -EPROTO, "the daemon sent packet %d before this node's configuration", packet.type);
        else if (packet.type == PROTO_OUTPUT)
            rc = add_output(node, &packet, error);
        else if (packet.type == PROTO_INPUT)
            rc = add_input(node, &packet, error);
        else if (packet.type == PROTO_LINK_OUT)
            rc = publish_add_link(node, &packet);
        else if (packet.type == PROTO_OUTPUT_AT)
            handover_output(node, packet.body);
        else if ((started = packet.type == PROTO_START))
            rc = start(node, &packet, error);
        else
            rc = control_note(node, &packet) < 0 ? error_set(error, -ENOMEM, "no memory for what the daemon says") : 1;
        if (rc == 1)
            continue; /* the note has the descriptors */
        proto_close_fds(&packet);
        if (rc < 0 && packet.type == PROTO_LINK_OUT)
            return error_set(error, rc, "%s", node->error.message);
        if (rc < 0 || started)
            return rc < 0 ? rc : 0;
    }
}

/* ---- Finding the daemon ---- */

static int say_hello(const dora_node *node, const char *id, const uint8_t token[PROTO_TOKEN], struct error *error)
{
    struct proto_hello hello = {.version = PROTO_VERSION};
    memcpy(hello.token, token, PROTO_TOKEN);
    struct proto_packet packet = {.type = PROTO_HELLO,
                                  .body = &hello,
                                  .body_len = sizeof hello,
                                  .text = {DORA_VERSION, id},
                                  .text_count = 2,
                                  .fds = {node->arena.fd},
                                  .fd_count = 1};
    int rc = proto_send(node->socket, &packet, 0);
    return rc < 0 ? error_sys(error, rc, "greet the daemon") : 0;
}

static int greet(dora_node *node, const char *text, struct error *error)
{
    char name[PROTO_ADDRESS_MOST];
    uint8_t token[PROTO_TOKEN];
    if (!text)
        return error_set(error, -ENOENT,
                         "this program is a dora node, and no dataflow has started it (%s is not set): run it by "
                         "`dora run`, or give its node id to join a dataflow as a dynamic node",
                         PROTO_CONFIG_ENV);
    if (proto_config_parse(text, name, token) < 0)
        return error_set(error, -EPROTO, "%s is not understood by libdora %s: `%s`", PROTO_CONFIG_ENV, DORA_VERSION,
                         text);
    node->socket = proto_connect(name, error);
    return node->socket < 0 ? node->socket : say_hello(node, "", token, error);
}

/* Names of daemons are abstract, and anybody on the machine can take one. */
static bool is_trusted(int socket)
{
    struct ucred who;
    socklen_t size = sizeof who;
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && (who.uid == geteuid() || who.uid == 0);
}

/* Asks each daemon of this user for its dynamic node `id`. One that ends before it has answered is as good as gone. */
static int join_dynamic(dora_node *node, const char *id, struct error *error)
{
    static const uint8_t no_token[PROTO_TOKEN];
    char mute[PROTO_ADDRESS_MOST] = "", ending[PROTO_ADDRESS_MOST] = "";
    int rc = error_set(error, -ECONNREFUSED,
                       "no daemon is running: start the dataflow first, then its dynamic node `%s`", id);
    for (unsigned slot = 0; slot < PROTO_SLOTS; slot++) {
        char name[PROTO_ADDRESS_MOST];
        proto_slot_name(name, geteuid(), slot);
        struct error said = ERROR_INIT;
        node->socket = proto_connect(name, &said);
        if (node->socket < 0 || !is_trusted(node->socket)) {
            cleanup_close(&node->socket);
            node->socket = -1;
            continue;
        }
        int answer = say_hello(node, id, no_token, &said);
        if (answer == 0)
            answer = join(node, clock_after(clock_now(), ANSWER_PATIENCE), &said);
        if (answer == -ETIMEDOUT) {
            memcpy(mute, name, sizeof mute);
        } else if (!node->id && (answer == -ECONNRESET || answer == -EPIPE)) {
            memcpy(ending, name, sizeof ending);
        } else {
            *error = said;
            rc = answer;
            if (rc != -ENOENT)
                return rc;
        }
        cleanup_close(&node->socket);
        node->socket = -1;
    }
    if (mute[0])
        return error_set(
            error, -ETIMEDOUT,
            "a daemon doesn't answer (at %s), and no other has the dynamic node `%s`: is its process stopped?", mute,
            id);
    if (ending[0] && rc == -ECONNREFUSED)
        return error_set(error, -ECONNRESET,
                         "the daemon at %s has closed the connection without an answer, and no other is running: if it "
                         "isn't ending, what it has printed says why",
                         ending);
    return rc;
}

/* `rc`, with what there is of the node given back and the caller told, where it is an error. */
static int settle(dora_node **node, int rc, const struct error *error, dora_error *public_error)
{
    if (rc >= 0)
        return rc;
    /* No goodbye: it never was there. */
    if (*node)
        cleanup_close(&(*node)->socket), (*node)->socket = -1;
    dora_node_close(take_ptr(*node));
    if (public_error) {
        public_error->code = rc;
        memcpy(public_error->message, error->message, sizeof public_error->message);
    }
    return rc;
}

int node_greet(dora_node **out, const char *config, const dora_node_options *options, dora_error *public_error)
{
    struct error error = ERROR_INIT;
    *out = NULL;
    int rc = make_node(out, options, &error);
    if (rc == 0)
        rc = arena_open(&(*out)->arena, &error);
    if (rc == 0)
        rc = options && options->node_id ? join_dynamic(*out, options->node_id, &error) : greet(*out, config, &error);
    return settle(out, rc, &error, public_error);
}

int node_join(dora_node **node, dora_error *public_error)
{
    struct error error = ERROR_INIT;
    const bool has_joined =
        (*node)->epoch_ns != 0; /* START has come: a dynamic node looks for its daemon until one lets it in */
    int rc = settle(node, has_joined ? 0 : join(*node, CLOCK_NEVER, &error), &error, public_error);
    if (rc < 0)
        return rc;
    /* relaxed: only for show. */
    atomic_store_explicit(&(*node)->page->thread, (uint32_t)gettid(), memory_order_relaxed);
    control_apply(*node);
    return 0;
}

int node_open(dora_node **node, const char *config, const dora_node_options *options, dora_error *error)
{
    int rc = node_greet(node, config, options, error);
    return rc < 0 ? rc : node_join(node, error);
}

int dora_node_open(dora_node **node, const dora_node_options *options, dora_error *error)
{
    return node_open(node, getenv(PROTO_CONFIG_ENV), options, error);
}
