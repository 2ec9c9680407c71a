#include "cli/follow.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/report.h"
#include "cli/session.h"

/* How long a coordinator that is gone may take to come back. */
static const int64_t absence_ns = 30 * CLOCK_SECOND;
enum { RETRY_MS = 100 };

struct state {
    struct follow *follow;
    int wake;       /* readable when one of the two others is: an epoll */
    int signals;    /* -1: they end this process */
    int interrupts; /* how often the user wanted an end */
    uint64_t wait_id;
    json_t *ended;
};

static void show_lines(struct log_files *files, struct log_show *show)
{
    const struct log_line *line;
    for (size_t number; !log_show_is_full(show) && (line = log_files_next(files, &number));)
        log_show_line(show, line, number);
}

void follow_show(struct log_files *files, struct log_show *show)
{
    int64_t since = show->since_ns, whole;
    /* Lines are so long, and so many of them wanted, that it takes more of the files each time; but never much more
     * than twice what it has to. */
    size_t bytes = log_files_can_rewind(files) ? 64 << 10 : SIZE_MAX / 16;
    for (; show->tail >= 0 && bytes <= SIZE_MAX / 16; bytes *= 4) {
        bool is_cut = log_files_rewind(files, bytes, &whole);
        show->since_ns = is_cut && whole > since ? whole : since;
        log_show_forget(show);
        show_lines(files, show);
        if (!is_cut || show->count >= (size_t)show->tail)
            break;
    }
    show->since_ns = since;
    if (show->tail >= 0)
        log_show_tail(show);
    else
        show_lines(files, show);
}

static void show_new(struct state *state)
{
    struct follow *follow = state->follow;
    log_files_refresh(follow->files);
    follow_show(follow->files, follow->show);
    log_show_flush(follow->show);
}

static void ask_to_stop(struct state *state)
{
    struct follow *follow = state->follow;
    struct error error = ERROR_INIT;
    uint64_t id;
    json_t *params = json_pack("{s:s, s:b}", "dataflow", follow->uuid, "force", state->interrupts > 1);
    if (!params || control_client_send(follow->client, "dataflow.stop", params, &id, &error) < 0)
        report_error("can't stop the dataflow: %s", error.message);
    else
        fprintf(stderr, state->interrupts > 1 ? "killing the nodes\n"
                                              : "stopping the dataflow; Ctrl-C again kills its nodes\n");
}

static void take_signals(struct state *state)
{
    struct signalfd_siginfo info;
    while (state->signals >= 0 && read(state->signals, &info, sizeof info) == sizeof info) {
        if (++state->interrupts <= 2)
            ask_to_stop(state);
    }
}

static bool ask_for_the_end(struct state *state, struct error *error)
{
    struct follow *follow = state->follow;
    control_client_wake(follow->client, state->wake);
    json_t *params = json_pack("{s:s}", "dataflow", follow->uuid);
    return control_client_send(follow->client, "dataflow.wait", params, &state->wait_id, error) == 0;
}

/* The coordinator is gone; the dataflow goes on without it, and so do we until another one is there. */
static bool reconnect(struct state *state)
{
    struct follow *follow = state->follow;
    struct error error = ERROR_INIT;
    const int64_t deadline = clock_after(clock_now(), absence_ns);
    fprintf(stderr, "warning: the coordinator is gone; waiting for it to come back\n");
    control_client_close(follow->client);
    follow->client = NULL;
    while (clock_now() < deadline) {
        show_new(state);
        if (control_connect(&follow->client, DORA_VERSION, &error) == 0) {
            if (state->interrupts)
                ask_to_stop(state); /* it may not have heard it */
            return ask_for_the_end(state, &error);
        }
        struct pollfd signals = {.fd = state->signals, .events = POLLIN};
        if (poll(&signals, 1, RETRY_MS) > 0)
            break;
    }
    report_error("the coordinator is gone");
    report_hint("the dataflow goes on; `dora up` starts the coordinator again, then `dora logs --follow %s`",
                follow->uuid);
    return false;
}

/* False: the end of following. */
static bool take_message(struct state *state, struct control_message *message)
{
    if (message->kind == CONTROL_ERROR && message->id == state->wait_id) {
        session_report_fault(&message->fault, true);
        return false;
    }
    if (message->kind == CONTROL_ERROR)
        fprintf(stderr, "warning: %s\n", message->fault.message);
    if (message->kind != CONTROL_RESULT || message->id != state->wait_id)
        return true;
    state->ended = json_incref(message->body);
    return false;
}

/* What the coordinator has said already comes first: new lines without end must not keep us from hearing it. */
static int next_message(struct state *state, struct control_message *message, struct error *error)
{
    struct follow *follow = state->follow;
    control_client_wake(follow->client, -1);
    int rc = control_client_next(follow->client, 0, message, error);
    control_client_wake(follow->client, state->wake);
    if (rc == -ETIMEDOUT && !log_show_is_full(follow->show))
        rc = control_client_next(follow->client, CLOCK_NEVER, message, error);
    return rc;
}

static void follow_until_end(struct state *state)
{
    struct follow *follow = state->follow;
    struct error error = ERROR_INIT;
    if (!ask_for_the_end(state, &error)) {
        session_report(follow->client, error.code, &error, true);
        return;
    }
    while (!follow->show->is_closed) {
        show_new(state);
        take_signals(state);
        if (state->interrupts > 2)
            return;
        struct control_message message;
        int rc = next_message(state, &message, &error);
        if (rc == -EINTR || rc == -ETIMEDOUT)
            continue;
        if (rc < 0 && !reconnect(state))
            return;
        if (rc < 0)
            continue;
        bool goes_on = take_message(state, &message);
        control_message_free(&message);
        if (!goes_on)
            return;
    }
}

/* Nobody knows when it ends. */
static void follow_for_ever(struct state *state)
{
    struct pollfd wake = {.fd = state->wake, .events = POLLIN};
    do
        show_new(state);
    while (!state->follow->show->is_closed && (poll(&wake, 1, -1) >= 0 || errno == EINTR));
}

static int watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

json_t *follow_run(struct follow *follow)
{
    sigset_t ends, before;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    autoclose int wake = epoll_create1(EPOLL_CLOEXEC);
    autoclose int signals = follow->stops ? signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK) : -1;
    if (wake < 0 || watch(wake, log_files_fd(follow->files)) < 0 || (follow->stops && watch(wake, signals) < 0)) {
        report_error("can't follow the log files");
        return NULL;
    }
    struct state state = {.follow = follow, .wake = wake, .signals = signals};
    follow->show->abort_fd = signals;
    if (follow->stops)
        sigprocmask(SIG_BLOCK, &ends, &before);
    follow_show(follow->files, follow->show);
    if (follow->marks)
        buf_putc(&follow->show->out, '\n');
    if (follow->client)
        follow_until_end(&state);
    else
        follow_for_ever(&state);
    if (state.ended)
        log_files_finish(follow->files);
    show_new(&state); /* an interrupt that comes now says that the rest isn't wanted */
    if (follow->client)
        control_client_wake(follow->client, -1);
    follow->show->abort_fd = -1;
    if (follow->stops)
        sigprocmask(SIG_SETMASK, &before, NULL);
    return state.ended;
}
