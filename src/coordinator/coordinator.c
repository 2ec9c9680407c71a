#include "coordinator/coordinator.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "control/notify.h"
#include "control/paths.h"
#include "coordinator/core.h"

static const struct method methods[] = {
    {"status", WITHOUT_DAEMON, handle_status},        {"shutdown", WITH_DAEMON_IF_ALIVE, handle_shutdown},
    {"dataflow.start", WITH_DAEMON, handle_start},    {"dataflow.list", WITHOUT_DAEMON, handle_list},
    {"dataflow.get", WITHOUT_DAEMON, handle_get},     {"dataflow.wait", WITHOUT_DAEMON, handle_wait},
    {"dataflow.stop", WITH_DAEMON, handle_stop},      {"dataflow.restart", WITH_DAEMON, handle_restart},
    {"dataflow.clean", WITHOUT_DAEMON, handle_clean}, {"dataflow.descriptor", WITHOUT_DAEMON, handle_descriptor},
    {"dataflow.place", WITH_DAEMON, handle_place},    {"file.", WITH_DAEMON, handle_file},
    {"param.list", WITHOUT_DAEMON, handle_param},     {"param.get", WITHOUT_DAEMON, handle_param},
    {"param.set", WITH_DAEMON, handle_param},         {"param.delete", WITH_DAEMON, handle_param},
    {"metrics", WITH_DAEMON, handle_forward},         {"node.move", WITH_DAEMON, handle_move},
    {"node.", WITH_DAEMON, handle_forward},           {"topic.", WITH_DAEMON, handle_forward},
    {"trace.read", WITH_DAEMON, handle_trace},        {"machine.", WITHOUT_DAEMON, handle_remote},
};

static const struct method *find_method(const char *name)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        size_t len = strlen(methods[i].name);
        bool is_group = methods[i].name[len - 1] == '.';
        if (is_group ? strncmp(name, methods[i].name, len) == 0 : strcmp(name, methods[i].name) == 0)
            return &methods[i];
    }
    return NULL;
}

void coordinator_say(const struct coordinator *coordinator, const char *format, ...)
{
    if (coordinator->quiet)
        return;
    char text[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "coordinator: %s\n", text);
}

double coordinator_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)(now.tv_nsec / 1000000) / 1e3;
}

static void refuse_ending(struct control_request *request)
{
    control_refusef(request, "refused", NULL, "the coordinator is ending");
}

static void park(struct coordinator *coordinator, struct control_request *request, const struct method *method)
{
    struct parked *parked = malloc(sizeof *parked);
    if (!parked) {
        refuse_memory(request);
        return;
    }
    *parked = (struct parked){NULL, request, method};
    *coordinator->parked_end = parked;
    coordinator->parked_end = &parked->next;
}

void coordinator_unpark(struct coordinator *coordinator)
{
    struct parked *parked = coordinator->parked, *next;
    coordinator->parked = NULL;
    coordinator->parked_end = &coordinator->parked;
    for (; parked; parked = next) {
        next = parked->next;
        if (coordinator->is_ending)
            refuse_ending(parked->request);
        else
            parked->method->handle(coordinator, parked->request, control_method(parked->request),
                                   control_params(parked->request));
        free(parked);
    }
}

static bool is_worth_waiting(const struct coordinator *coordinator, enum patience patience)
{
    if (patience == WITHOUT_DAEMON || !coordinator->in_grace || coordinator->here.connection)
        return false;
    return patience == WITH_DAEMON || control_lock_holder(CONTROL_DAEMON_LOCK) != 0;
}

static void on_request(void *context, struct control_request *request, const char *name, json_t *params)
{
    struct coordinator *coordinator = context;
    flow_save_late(coordinator);
    if (strcmp(control_role(control_asker(request)), "daemon") == 0) {
        daemon_request(coordinator, request, name, params);
        return;
    }
    const struct method *method = find_method(name);
    if (!method)
        control_refusef(request, "invalid", NULL, "this coordinator knows no request `%s`", name);
    else if (coordinator->is_ending || coordinator->shutdown)
        refuse_ending(request);
    else if (is_worth_waiting(coordinator, method->patience))
        park(coordinator, request, method);
    else
        method->handle(coordinator, request, name, params);
}

static void on_opened(void *context, struct control_connection *connection)
{
    struct coordinator *coordinator = context;
    if (coordinator->connection_count == coordinator->connection_cap) {
        size_t cap = coordinator->connection_cap ? 2 * coordinator->connection_cap : 16;
        void *grown = realloc(coordinator->connections, cap * sizeof *coordinator->connections);
        if (!grown) {
            control_close(connection);
            return;
        }
        coordinator->connections = grown;
        coordinator->connection_cap = cap;
    }
    coordinator->connections[coordinator->connection_count++] = connection;
}

void coordinator_forget(struct coordinator *coordinator, const struct control_connection *connection)
{
    for (size_t i = 0; i < coordinator->connection_count; i++)
        if (coordinator->connections[i] == connection) {
            coordinator->connections[i] = coordinator->connections[--coordinator->connection_count];
            return;
        }
}

static void on_closed(void *context, struct control_connection *connection, const char *why)
{
    struct coordinator *coordinator = context;
    coordinator_forget(coordinator, connection);
    trace_asker_gone(coordinator, connection);
    remote_asker_gone(coordinator, connection);
    for (struct machine *machine = &coordinator->here; machine; machine = machine->next)
        if (connection == machine->connection) {
            daemon_gone(coordinator, machine, why);
            return;
        }
    if (why)
        coordinator_say(coordinator, "process %d was hung up on: %s", (int)control_pid(connection), why);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    coordinator_end(handle->data);
}

void coordinator_end(struct coordinator *coordinator)
{
    if (coordinator->is_ending)
        return;
    coordinator->is_ending = true;
    control_notify("STOPPING=1");
    control_server_close(coordinator->server);
    if (coordinator->shutdown)
        control_answer(take_ptr(coordinator->shutdown), json_object());
    flow_free_all(coordinator);
    coordinator_unpark(coordinator);
    while (coordinator->connection_count > 0)
        control_close(coordinator->connections[--coordinator->connection_count]);
    uv_stop(&coordinator->loop);
}

static int open_state(struct coordinator *coordinator, const char *wanted, char path[PATH_MAX], struct error *error)
{
    int rc = 0;
    if (wanted)
        snprintf(path, PATH_MAX, "%s", wanted);
    else
        rc = control_state_file(path, CONTROL_STATE, error);
    coordinator->store_path = path;
    if (rc == 0)
        rc = store_open(&coordinator->store, path, error);
    return rc < 0 ? rc : daemon_load(coordinator, error);
}

static void clean_up(struct coordinator *coordinator)
{
    uv_close((uv_handle_t *)&coordinator->terminate, NULL);
    uv_close((uv_handle_t *)&coordinator->interrupt, NULL);
    uv_close((uv_handle_t *)&coordinator->grace, NULL);
    uv_close((uv_handle_t *)&coordinator->lost, NULL);
    uv_close((uv_handle_t *)&coordinator->shutdown_patience, NULL);
    uv_run(&coordinator->loop, UV_RUN_DEFAULT); /* connections free themselves there */
    uv_loop_close(&coordinator->loop);
    flow_free_all(coordinator);
    trace_free_all(coordinator);
    remote_free_all(coordinator);
    flow_save_late(coordinator);
    json_decref(coordinator->unsaved);
    store_close(coordinator->store);
    free(coordinator->connections);
    machine_free_all(coordinator);
}

static int run(struct coordinator *coordinator, const struct coordinator_options *options, struct error *error)
{
    char path[PATH_MAX], store_path[PATH_MAX];
    umask(077); /* the state is the user's alone, wherever it lies */
    int rc = open_state(coordinator, options->store, store_path, error);
    if (rc == 0)
        rc = control_runtime_file(path, CONTROL_SOCKET, error);
    if (rc == 0)
        rc = control_listen(&coordinator->server, &coordinator->loop, path, &coordinator->owner, coordinator, error);
    if (rc < 0)
        return rc;
    signal(SIGPIPE, SIG_IGN); /* whoever reads what we say may go */
    uv_signal_start(&coordinator->terminate, on_signal, SIGTERM);
    uv_signal_start(&coordinator->interrupt, on_signal, SIGINT);
    daemon_grace(coordinator);
    lost_watch(coordinator);
    coordinator_say(coordinator, "dora %s listens at %s, state in %s", options->version, path, store_path);
    control_notify("READY=1");
    uv_run(&coordinator->loop, UV_RUN_DEFAULT);
    return 0;
}

int coordinator_run(const struct coordinator_options *options, struct error *error)
{
    autoclose int lock = -1;
    int rc = control_lock(CONTROL_COORDINATOR_LOCK, &lock, error);
    if (rc == -EBUSY)
        return error_add(error, "a coordinator is running already");
    if (rc < 0)
        return rc;
    struct coordinator coordinator = {
        .version = options->version,
        .quiet = options->quiet,
        .begun = clock_now(),
        .lost_after_ns = options->lost_after_ns ? options->lost_after_ns : COORDINATOR_LOST_AFTER,
        .here = {.is_here = true},
        .owner = {.role = "coordinator",
                  .version = options->version,
                  .opened = on_opened,
                  .request = on_request,
                  .closed = on_closed},
    };
    coordinator.parked_end = &coordinator.parked;
    rc = uv_loop_init(&coordinator.loop);
    if (rc < 0)
        return error_sys(error, rc, "can't make an event loop");
    uv_signal_init(&coordinator.loop, &coordinator.terminate);
    uv_signal_init(&coordinator.loop, &coordinator.interrupt);
    uv_timer_init(&coordinator.loop, &coordinator.grace);
    uv_timer_init(&coordinator.loop, &coordinator.lost);
    coordinator.terminate.data = coordinator.interrupt.data = coordinator.grace.data = coordinator.lost.data =
        coordinator.shutdown_patience.data = &coordinator;
    uv_timer_init(&coordinator.loop, &coordinator.shutdown_patience);
    rc = run(&coordinator, options, error);
    clean_up(&coordinator);
    return rc;
}
