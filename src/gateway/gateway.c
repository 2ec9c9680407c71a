#include "gateway/gateway.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "control/endpoint.h"
#include "gateway/tunnel.h"

enum { ENDPOINTS_MOST = 64 };

/* How long it waits, at the end, for threads that wait for the engine. */
static const uint64_t END_PATIENCE_MS = 3000;

/* ---- Telling the daemon ---- */

static void ignore(void *context, json_t *result, const struct control_fault *fault)
{
    (void)context, (void)result, (void)fault;
}

void gateway_tell(struct gateway *gateway, const char *method, json_t *params)
{
    static const struct control_calls calls = {.done = ignore};
    if (gateway->daemon && params)
        control_send(gateway->daemon, method, params, &calls, NULL);
    else
        json_decref(params);
}

static void on_failure_heard(void *context, json_t *result, const struct control_fault *fault)
{
    (void)result, (void)fault;
    gateway_end(context);
}

void gateway_fail(struct gateway *gateway, const char *format, ...)
{
    static const struct control_calls calls = {.done = on_failure_heard};
    char text[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "dora-gateway: %s\n", text);
    gateway->status = EXIT_FAILURE;
    if (!gateway->daemon ||
        control_send(gateway->daemon, "failed", json_pack("{s:s}", "message", text), &calls, gateway) < 0)
        gateway_end(gateway);
}

/* ---- gateway.open ---- */

/* A list of endpoints, NULL-terminated, which points into `json`. */
static int read_endpoints(json_t *json, const char *list[ENDPOINTS_MOST + 1], bool is_insecure, struct error *error)
{
    size_t count = 0, i;
    json_t *entry;
    json_array_foreach(json, i, entry)
    {
        const char *endpoint = json_string_value(entry);
        if (!endpoint || count == ENDPOINTS_MOST)
            return error_set(error, -EINVAL, "at most %d endpoints, each a text", ENDPOINTS_MOST);
        int rc = endpoint_check(endpoint, is_insecure, error);
        if (rc < 0)
            return rc;
        list[count++] = endpoint;
    }
    list[count] = NULL;
    return 0;
}

static bool is_machine_name(const char *name)
{
    return *name && strlen(name) < 128 &&
           name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")] == '\0';
}

static char *join_endpoints(const char *const *list)
{
    autobuf struct buf text = {0};
    for (size_t i = 0; list[i]; i++) {
        buf_puts(&text, i ? ", " : "");
        buf_puts(&text, list[i]);
    }
    buf_puts(&text, "");
    return buf_take(&text);
}

static int open_parts(struct gateway *gateway, struct error *error)
{
    int rc = flows_open(&gateway->flows, gateway);
    if (rc < 0)
        return error_set(error, rc, "no memory for a gateway");
    rc = machines_open(&gateway->machines, gateway, error);
    if (rc < 0)
        return rc;
    return gateway->has_coordinator ? dialler_open(&gateway->dialler, gateway, error)
                                    : listener_open(&gateway->listener, gateway, error);
}

/* Machines that connect to the same one learn of each other there, and connect to each other: so one that is not told
 * where to listen does so at any port, in the way it connects, and only on this machine if that is where it connects
 * to. */
static const char *any_port(char text[ENDPOINT_MOST], const char *connect, bool is_insecure)
{
    size_t len = connect ? strcspn(connect, "/") : 0;
    const char *host = !connect || endpoint_is_local(connect) ? "127.0.0.1"
                       : connect[len + 1] == '['              ? "[::]"
                                                              : "0.0.0.0";
    if (!connect || (strncmp(connect, "tcp/", 4) != 0 && strncmp(connect, "tls/", 4) != 0))
        return NULL;
    snprintf(text, ENDPOINT_MOST, "%.*s/%s:0", (int)len, connect, host);
    return endpoint_check(text, is_insecure, NULL) == 0 ? text : NULL;
}

static int open_all(struct gateway *gateway, json_t *params, struct error *error)
{
    const char *machine, *config = NULL, *listen[ENDPOINTS_MOST + 1], *connect[ENDPOINTS_MOST + 1];
    json_t *listens = NULL, *connects = NULL;
    int is_insecure = false, has_coordinator = false;
    if (gateway->net)
        return error_set(error, -EEXIST, "the gateway is open already");
    if (json_unpack(params, "{s:s, s?o, s?o, s?n, s?b, s?b}", "machine", &machine, "listen", &listens, "connect",
                    &connects, "config", "insecure", &is_insecure, "coordinator", &has_coordinator) < 0 &&
        json_unpack(params, "{s:s, s?o, s?o, s?s, s?b, s?b}", "machine", &machine, "listen", &listens, "connect",
                    &connects, "config", &config, "insecure", &is_insecure, "coordinator", &has_coordinator) < 0)
        return error_set(error, -EINVAL, "gateway.open takes machine, listen, connect, config, insecure, coordinator");
    if (!is_machine_name(machine))
        return error_set(error, -EINVAL, "`%s` is no machine's name: letters, digits, '_', '.' and '-'", machine);
    int rc = read_endpoints(listens, listen, is_insecure, error);
    if (rc == 0)
        rc = read_endpoints(connects, connect, is_insecure, error);
    if (rc < 0)
        return rc;
    gateway->has_coordinator = has_coordinator;
    gateway->machine = strdup(machine);
    gateway->endpoints = join_endpoints(connect);
    if (!gateway->machine || !gateway->endpoints)
        return error_set(error, -ENOMEM, "no memory for a gateway");
    /* Without any of its own, the configuration's endpoints count. */
    char otherwise[ENDPOINT_MOST];
    struct net_options options = {.config = config,
                                  .listen = *listen ? listen : NULL,
                                  .otherwise = any_port(otherwise, connect[0], is_insecure),
                                  .connect = *connect ? connect : NULL};
    rc = net_open(&gateway->net, &options, error);
    /* Without a certificate of its own, say, it can only connect. */
    if (rc < 0 && options.otherwise) {
        options.otherwise = NULL;
        rc = net_open(&gateway->net, &options, error);
    }
    return rc < 0 ? rc : open_parts(gateway, error);
}

static void request_open(struct gateway *gateway, struct control_request *request, json_t *params)
{
    struct error error = ERROR_INIT;
    int rc = open_all(gateway, params, &error);
    if (rc == 0) {
        json_t *listens = json_object_get(params, "listen");
        control_answer(request, json_pack("{s:s, s:s, s:o}", "engine", net_engine(), "instance", gateway->instance,
                                          "endpoints", listens ? json_incref(listens) : json_array()));
        return;
    }
    control_refusef(request, control_errno_code(rc), NULL, "%s", error.message);
    if (rc != -EEXIST) {
        gateway->status = EXIT_FAILURE;
        gateway_end(gateway);
    }
}

/* ---- The connection to the daemon ---- */

void gateway_machine_changed(struct gateway *gateway, const char *instance, bool is_alive)
{
    if (!is_alive && gateway->dialler)
        dialler_lost(gateway->dialler, instance);
    if (!is_alive && gateway->listener)
        listener_lost(gateway->listener, instance);
}

static void on_request(void *context, struct control_request *request, const char *method, json_t *params)
{
    struct gateway *gateway = context;
    if (strcmp(method, "gateway.open") == 0)
        request_open(gateway, request, params);
    else if (!gateway->net || gateway->is_ending)
        control_refusef(request, "invalid", NULL, "the gateway is not open");
    else if (strcmp(method, "metrics") == 0)
        control_answer(request, json_pack("{s:o, s:o}", "machines", machines_metrics(gateway->machines), "edges",
                                          flows_metrics(gateway->flows)));
    else if (!flows_request(gateway->flows, request, method, params))
        control_refusef(request, "invalid", NULL, "a gateway has no method `%s`", method);
}

static void on_closed(void *context, struct control_connection *connection, const char *why)
{
    struct gateway *gateway = context;
    (void)connection;
    gateway->daemon = NULL;
    if (why)
        fprintf(stderr, "dora-gateway: the connection to the daemon ended: %s\n", why);
    gateway_end(gateway);
}

static const struct control_owner owner = {
    .role = "gateway", .version = DORA_VERSION, .request = on_request, .closed = on_closed};

/* ---- Life ---- */

struct ending {
    uv_timer_t timer;
    struct gateway *gateway;
    uint64_t waited_ms;
};

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void finish(struct gateway *gateway)
{
    control_close(gateway->daemon);
    gateway->daemon = NULL;
    /* First the engine, so that nobody is called back any more. */
    net_close(take_ptr(gateway->net)); /* what waits in the mailbox finds none */
    mailbox_close(&gateway->mailbox);
    listener_free(gateway->listener);
    dialler_free(gateway->dialler);
    machines_free(gateway->machines);
    flows_free(gateway->flows);
    uv_stop(gateway->loop);
}

static void look_for_end(uv_timer_t *timer)
{
    struct ending *ending = (struct ending *)timer;
    struct gateway *gateway = ending->gateway;
    ending->waited_ms += 10;
    bool is_idle = (!gateway->flows || flows_idle(gateway->flows)) &&
                   (!gateway->listener || listener_idle(gateway->listener)) &&
                   (!gateway->dialler || dialler_idle(gateway->dialler));
    if (is_idle) {
        uv_close((uv_handle_t *)timer, free_handle);
        finish(gateway);
    } else if (ending->waited_ms > END_PATIENCE_MS) {
        /* A thread waits for the engine, which waits for a peer. */
        if (gateway->listener)
            listener_unlink(gateway->listener);
        _exit(gateway->status);
    }
}

void gateway_end(struct gateway *gateway)
{
    if (gateway->is_ending)
        return;
    gateway->is_ending = true;
    struct ending *ending = calloc(1, sizeof *ending);
    if (!ending)
        _exit(EXIT_FAILURE);
    ending->gateway = gateway;
    if (gateway->flows)
        flows_end(gateway->flows);
    if (gateway->listener)
        listener_end(gateway->listener);
    if (gateway->dialler)
        dialler_end(gateway->dialler);
    uv_timer_init(gateway->loop, &ending->timer);
    uv_timer_start(&ending->timer, look_for_end, 0, 10);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    gateway_end(signal->data);
}

int gateway_run(int fd)
{
    uv_loop_t loop;
    struct gateway gateway = {.loop = &loop, .started_ns = clock_now()};
    struct error error = ERROR_INIT;
    uuid_make(gateway.instance);
    int rc = uv_loop_init(&loop);
    if (rc < 0)
        return fprintf(stderr, "dora-gateway: %s\n", uv_strerror(rc)), EXIT_FAILURE;
    uv_signal_t term;
    uv_signal_init(&loop, &term);
    term.data = &gateway;
    uv_signal_start(&term, on_signal, SIGTERM);
    rc = mailbox_open(&gateway.mailbox, &loop);
    if (rc == 0)
        rc = control_open(&gateway.daemon, &loop, fd, &owner, &gateway, &error);
    if (rc < 0)
        return fprintf(stderr, "dora-gateway: can't speak to the daemon: %s\n", error.message), EXIT_FAILURE;
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&term, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    free(gateway.machine);
    free(gateway.endpoints);
    return gateway.status;
}
