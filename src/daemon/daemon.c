/* The daemon itself: its socket, who knocks there, and the orphans that fall to it. */
#include "daemon/dataflow.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/descendants.h"
#include "daemon/spawn.h"

enum {
    ACCEPT_AT_ONCE = 64,  /* connections before others get their turn */
    STRANGERS_MOST = 256, /* connections that have not said HELLO; for one more, the oldest is dropped */
};

static const int64_t close_patience = 2 * CLOCK_SECOND;

/* ---- Strangers ---- */

static void remove_stranger(struct daemon *daemon, struct peer *peer)
{
    struct peer **at = &daemon->strangers;
    while (*at != peer)
        at = &(*at)->next;
    *at = peer->next;
    if (!*at)
        daemon->strangers_end = at;
    daemon->stranger_count--;
}

static void drop_stranger(struct daemon *daemon, struct peer *peer)
{
    remove_stranger(daemon, peer);
    peer_close(peer);
}

static struct participant *find_by_pid(struct daemon *daemon, pid_t pid)
{
    for (struct dataflow *dataflow = daemon->dataflows; dataflow; dataflow = dataflow->next)
        for (uint32_t i = 0; i < dataflow->count; i++)
            if (dataflow->participants[i]->pid == pid)
                return dataflow->participants[i];
    return NULL;
}

/* Says no, with a reason, and hangs up. */
static void refuse(struct daemon *daemon, struct peer *peer, enum proto_reason reason, const char *text)
{
    struct proto_refused body = {PROTO_VERSION, reason};
    peer_send(peer,
              &(struct proto_packet){
                  .type = PROTO_REFUSED, .body = &body, .body_len = sizeof body, .text = {text}, .text_count = 1});
    drop_stranger(daemon, peer);
}

static struct participant *find_by_token(struct daemon *daemon, const uint8_t token[PROTO_TOKEN])
{
    uint32_t place[2];
    memcpy(place, token, sizeof place);
    for (struct dataflow *dataflow = daemon->dataflows; dataflow; dataflow = dataflow->next)
        for (uint32_t i = 0; i < dataflow->count && dataflow->serial == place[0]; i++)
            if (dataflow->participants[i]->serial == place[1])
                return memcmp(dataflow->participants[i]->token, token, PROTO_TOKEN) == 0 ? dataflow->participants[i]
                                                                                         : NULL;
    return NULL;
}

/* Finds the dynamic node of this name, or says why there is none. */
static struct participant *find_by_id(struct daemon *daemon, const char *id, char why[OUTCOME_MESSAGE_MOST])
{
    struct participant *found = NULL;
    const char *elsewhere = NULL;
    bool is_known = false;
    for (struct dataflow *dataflow = daemon->dataflows; dataflow; dataflow = dataflow->next)
        for (uint32_t i = 0; i < dataflow->count; i++) {
            struct participant *participant = dataflow->participants[i];
            if (participant->is_watcher || participant->is_removed || strcmp(participant->node->id, id) != 0)
                continue;
            if (participant->state == PARTICIPANT_REMOTE) {
                elsewhere = participant->machine;
                continue;
            }
            is_known = true;
            if (participant->is_dynamic && found) {
                snprintf(why, OUTCOME_MESSAGE_MOST, "multiple dataflows contain dynamic node id %.128s", id);
                return NULL;
            }
            if (participant->is_dynamic)
                found = participant;
        }
    if (!found && elsewhere)
        snprintf(why, OUTCOME_MESSAGE_MOST, "node `%.128s` belongs on machine %.128s: start it there", id, elsewhere);
    else if (!found)
        snprintf(why, OUTCOME_MESSAGE_MOST, is_known ? "node `%.128s` is not dynamic" : "no node with ID `%.128s`", id);
    return found;
}

static void on_hello(struct daemon *daemon, struct peer *peer, struct proto_packet *packet)
{
    static const uint8_t no_token[PROTO_TOKEN];
    const struct proto_hello *hello = packet->body;
    char why[OUTCOME_MESSAGE_MOST];
    if (hello->version != PROTO_VERSION) {
        snprintf(why, sizeof why,
                 "this node was built with libdora %.64s, which speaks version %u of dora's protocol; this dora speaks "
                 "version %d: build the node with the libdora of this dora",
                 packet->text[0], hello->version, PROTO_VERSION);
        refuse(daemon, peer, PROTO_REASON_VERSION, why);
        return;
    }
    bool has_token = memcmp(hello->token, no_token, sizeof no_token) != 0;
    snprintf(why, sizeof why, "the node's token is not known to this daemon");
    struct participant *participant =
        has_token ? find_by_token(daemon, hello->token) : find_by_id(daemon, packet->text[1], why);
    if (participant && participant->peer)
        peer_drain(participant->peer); /* it may have said GOODBYE before it came back */
    if (participant && participant->is_removed)
        participant = NULL;
    if (participant && participant->state != (participant->is_dynamic ? PARTICIPANT_ABSENT : PARTICIPANT_STARTING)) {
        snprintf(why, sizeof why, "node `%.128s` %s already", participant->node->id,
                 participant_is_here(participant) ? "is connected" : "has left the dataflow");
        participant = NULL;
    }
    if (!participant) {
        refuse(daemon, peer, PROTO_REASON_UNKNOWN, why);
        return;
    }
    int seals = fcntl(packet->fds[0], F_GET_SEALS);
    if (seals < 0 || !(seals & F_SEAL_SHRINK)) {
        refuse(daemon, peer, PROTO_REASON_PROTOCOL, "the node's arena is no sealed shared memory");
        return;
    }
    remove_stranger(daemon, peer);
    participant_join(participant, peer, &packet->fds[0]);
}

static void on_stranger_gone(void *context, struct peer *peer, const char *why)
{
    struct daemon *daemon = context;
    struct participant *participant = why ? find_by_pid(daemon, peer->pid) : NULL;
    if (participant)
        participant_break(participant, why);
    drop_stranger(daemon, peer);
}

static void on_stranger_packet(void *context, struct peer *peer, struct proto_packet *packet)
{
    if (packet->type == PROTO_HELLO)
        on_hello(context, peer, packet);
    else
        on_stranger_gone(context, peer, "it sent another message before it had said who it is");
}

static const struct peer_owner stranger_owner = {on_stranger_packet, on_stranger_gone};

static void welcome(struct daemon *daemon, int socket)
{
    struct ucred who;
    socklen_t size = sizeof who;
    struct peer *peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0 || (who.uid != getuid() && who.uid != 0)) {
        close(socket);
        return;
    }
    if (peer_open(&peer, daemon->loop, socket, &stranger_owner, daemon, NULL) < 0)
        return;
    peer->pid = who.pid;
    if (daemon->stranger_count == STRANGERS_MOST)
        drop_stranger(daemon, daemon->strangers);
    *daemon->strangers_end = peer;
    daemon->strangers_end = &peer->next;
    daemon->stranger_count++;
}

/* There is no descriptor left for a connection. The node behind it is turned away, which its dataflow can't do without.
 */
static void turn_away(struct daemon *daemon, int code)
{
    cleanup_close(&daemon->spare_fd);
    cleanup_close(&(int){accept4(watch_fd(daemon->listener), NULL, NULL, SOCK_CLOEXEC)});
    daemon->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (struct dataflow *dataflow = daemon->dataflows; dataflow; dataflow = dataflow->next)
        for (uint32_t i = 0; i < dataflow->count; i++)
            if (dataflow->participants[i]->state == PARTICIPANT_STARTING) {
                dataflow_fail(dataflow, "a node's connection can't be taken: %s%s", strerror(code),
                              code == EMFILE ? "; raise the limit of open files (ulimit -n)" : "");
                break;
            }
}

static void on_knock(void *context, int events)
{
    struct daemon *daemon = context;
    (void)events;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        int socket = accept4(watch_fd(daemon->listener), NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (socket >= 0) {
            welcome(daemon, socket);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            turn_away(daemon, errno);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

/* ---- Children ---- */

static void on_child(uv_signal_t *handle, int number)
{
    struct daemon *daemon = handle->data;
    siginfo_t info;
    int status;
    (void)number;
    for (;;) {
        info.si_pid = 0;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
            return;
        struct participant *participant = find_by_pid(daemon, info.si_pid);
        if (participant)
            process_check(participant);
        else if (waitpid(info.si_pid, &status, WNOHANG) == info.si_pid) /* else an orphan that fell to us */
            spared_note(daemon->spared, info.si_pid, status);
    }
}

static void free_signal(uv_handle_t *handle)
{
    free(handle);
}

static int watch_children(struct daemon *daemon, struct error *error)
{
    daemon->child_signal = malloc(sizeof *daemon->child_signal);
    if (!daemon->child_signal)
        return error_set(error, -ENOMEM, "no memory for the daemon");
    int rc = uv_signal_init(daemon->loop, daemon->child_signal);
    if (rc < 0) {
        free(take_ptr(daemon->child_signal));
        return error_sys(error, rc, "watch for the end of processes");
    }
    daemon->child_signal->data = daemon;
    rc = uv_signal_start(daemon->child_signal, on_child, SIGCHLD);
    if (rc < 0)
        return error_sys(error, rc, "watch for the end of processes");
    uv_unref((uv_handle_t *)daemon->child_signal);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return error_sys(error, -errno, "become the subreaper");
    return 0;
}

/* ---- Open and close ---- */

/* The first free slot, where dynamic nodes look; else a name that only the daemon's own nodes learn. */
static int listen_somewhere(struct daemon *daemon, struct error *error)
{
    for (unsigned slot = 0; slot < PROTO_SLOTS; slot++) {
        proto_slot_name(daemon->socket_name, getuid(), slot);
        int fd = proto_listen(daemon->socket_name, error);
        if (fd != -EADDRINUSE)
            return fd;
    }
    unsigned long long number;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        return error_sys(error, -errno, "get random bytes");
    snprintf(daemon->socket_name, sizeof daemon->socket_name, "@dora-%u-%016llx", getuid(), number);
    return proto_listen(daemon->socket_name, error);
}

int daemon_open(struct daemon **out, uv_loop_t *loop, const struct daemon_options *options, struct error *error)
{
    struct daemon *daemon = calloc(1, sizeof *daemon);
    if (!daemon)
        return error_set(error, -ENOMEM, "no memory for the daemon");
    daemon->loop = loop;
    daemon->options = options ? *options : (struct daemon_options){.exit_when_nodes_finish = -1};
    daemon->strangers_end = &daemon->strangers;
    daemon->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    spawn_raise_limits();
    int rc = watch_children(daemon, error);
    if (rc == 0)
        rc = listen_somewhere(daemon, error);
    if (rc >= 0)
        rc = watch_open(&daemon->listener, loop, rc, UV_READABLE, on_knock, daemon, error);
    if (rc < 0) {
        daemon_close(daemon);
        return error_add(error, "the daemon can't start"), rc;
    }
    *out = daemon;
    return 0;
}

void daemon_spare(struct daemon *daemon, struct spared *child)
{
    child->next = daemon->spared;
    daemon->spared = child;
}

void daemon_spare_no_more(struct daemon *daemon, struct spared *child)
{
    struct spared **at = &daemon->spared;
    while (*at && *at != child)
        at = &(*at)->next;
    if (*at)
        *at = child->next;
}

const char *daemon_socket(const struct daemon *daemon)
{
    return daemon->socket_name;
}

void daemon_close(struct daemon *daemon)
{
    if (!daemon)
        return;
    bool had_dataflows = daemon->dataflows;
    for (struct dataflow *dataflow = daemon->dataflows; dataflow; dataflow = daemon->dataflows) {
        for (uint32_t i = 0; i < dataflow->count; i++)
            participant_kill(dataflow->participants[i], KILL_USER);
        daemon->dataflows = dataflow->next;
        dataflow_free(dataflow);
    }
    if (had_dataflows)
        descendants_kill(close_patience, daemon->spared);
    while (daemon->strangers)
        drop_stranger(daemon, daemon->strangers);
    watch_close(daemon->listener);
    if (daemon->child_signal)
        uv_close((uv_handle_t *)daemon->child_signal, free_signal);
    cleanup_close(&daemon->spare_fd);
    free(daemon);
}
