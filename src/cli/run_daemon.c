#include "cli/run_daemon.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/report.h"
#include "cli/summary.h"
#include "daemon/descendants.h"
#include "daemon/keeper.h"
#include "daemon/watch.h"

struct run {
    const struct wishes *wishes;
    uv_loop_t loop;
    uv_poll_t control; /* the keeper's requests */
    uv_timer_t stop_after;
    int control_fd;
    struct daemon *daemon;
    struct dataflow *dataflow; /* NULL when it has ended */
    struct log_print *print;
    bool is_stopping;
    int status;
};

static void say(struct run *run, const char *text)
{
    log_print_flush(run->print); /* what was said first stands first */
    fprintf(stderr, "%s\n", text);
}

static void stop(struct run *run)
{
    if (run->dataflow)
        dataflow_stop(run->dataflow, DAEMON_STOP_GRACE);
    run->is_stopping = true;
}

static void on_request(uv_poll_t *control, int status, int events)
{
    (void)status;
    (void)events;
    struct run *run = control->data;
    char request;
    ssize_t len = read(run->control_fd, &request, 1);
    if (len == 0) {
        /* The keeper is gone, and nobody waits for this process: nothing may outlive it. */
        descendants_kill(CLOCK_SECOND, NULL);
        _exit(COMMAND_FAILED);
    }
    if (len < 0 || !run->dataflow)
        return;
    if (request == KEEPER_KILL) {
        say(run, "killing all nodes");
        dataflow_kill(run->dataflow);
        return;
    }
    say(run, run->is_stopping ? "already stopping; Ctrl-C again kills all nodes at once"
                              : "stopping: the nodes have 10 s to end by themselves; Ctrl-C again kills them at once");
    stop(run);
}

static void on_stop_after(uv_timer_t *timer)
{
    stop(timer->data);
}

static void on_log(void *context, const struct log_line *line)
{
    log_print_line(((struct run *)context)->print, line);
}

/* As any program ends when its reader has had enough (`| head`), but in good order. */
static void on_stdout_closed(void *context)
{
    stop(context);
}

static void on_notice(void *context, const char *text)
{
    struct run *run = context;
    log_print_flush(run->print);
    fprintf(stderr, "[dora]: %s\n", text);
}

static void on_finished(void *context, const struct dataflow_result *result)
{
    struct run *run = context;
    run->dataflow = NULL;
    run->status = result->ok ? COMMAND_OK : COMMAND_FAILED;
    log_print_drain(run->print, run->control_fd);
    if (!result->ok)
        summary_print(result, run->wishes->id);
    daemon_close(run->daemon);
    log_print_close(run->print);
    uv_close((uv_handle_t *)&run->control, NULL);
    uv_close((uv_handle_t *)&run->stop_after, NULL);
}

static int start(struct run *run, struct error *error)
{
    const struct wishes *wishes = run->wishes;
    int rc = daemon_open(&run->daemon, &run->loop, &wishes->daemon, error);
    if (rc < 0)
        return rc;
    struct log_print_options print = wishes->print;
    print.graph = wishes->graph;
    print.dataflow_id = wishes->id;
    print.on_closed = on_stdout_closed;
    print.context = run;
    run->print = log_print_open(&run->loop, &print);
    if (!run->print)
        return error_sys(error, -ENOMEM, "can't print logs");
    fprintf(stderr, "dataflow %s started\n", wishes->id);
    static const struct daemon_observer calls = {.log = on_log, .notice = on_notice, .finished = on_finished};
    struct daemon_observer observer = calls;
    observer.context = run;
    return daemon_start(run->daemon, wishes->graph, wishes->id, &observer, &run->dataflow, error);
}

int run_daemon(int control_fd, void *context)
{
    struct wishes *wishes = context;
    struct run run = {.wishes = wishes, .control_fd = control_fd, .status = COMMAND_FAILED};
    struct error error = ERROR_INIT;
    int rc = watch_loop(&run.loop);
    if (rc < 0) {
        report_error("can't make an event loop: %s", uv_strerror(rc));
        return COMMAND_FAILED;
    }
    rc = start(&run, &error);
    if (rc < 0) {
        report_error("%s", error.message);
        daemon_close(run.daemon);
        log_print_close(run.print);
    } else {
        uv_poll_init(&run.loop, &run.control, control_fd);
        uv_timer_init(&run.loop, &run.stop_after);
        run.control.data = run.stop_after.data = &run;
        uv_poll_start(&run.control, UV_READABLE | UV_DISCONNECT, on_request);
        if (wishes->stop_after_ns)
            uv_timer_start(&run.stop_after, on_stop_after, (uint64_t)(wishes->stop_after_ns / CLOCK_MILLI), 0);
    }
    uv_run(&run.loop, UV_RUN_DEFAULT);
    uv_loop_close(&run.loop);
    graph_free(wishes->graph);
    wishes->graph = NULL;
    return run.status;
}
