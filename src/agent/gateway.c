/* The gateway to other machines, as the daemon keeps it: its process, started again and again, and the connection. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "agent/gateway_process.h"
#include "agent/parts.h"
#include "base/cleanup.h"
#include "daemon/descendants.h"

static const int64_t retry_least = 100 * CLOCK_MILLI, retry_most = 5 * CLOCK_SECOND;
/* One that has worked for so long is started again at once. */
static const int64_t proven = 10 * CLOCK_SECOND;
/* How long it has to open, and to end. */
enum { FUTILE_MOST = 3 };
static const int64_t open_patience = 30 * CLOCK_SECOND, end_patience = CLOCK_SECOND;

struct gateway {
    struct agent *agent;
    pid_t pid; /* 0: none */
    struct spared spared;
    struct watch *process;
    struct control_connection *connection;
    bool is_open; /* it has answered gateway.open */
    bool was_open, is_ending, is_clear;
    char *trouble, *refusal; /* see gateway_refusal */
    int64_t opened_ns, retry_ns;
    unsigned futile;     /* starts in a row of which it didn't open */
    struct alarm *alarm; /* start it again; or until when it must have opened, or ended */
};

/* ---- Trouble ---- */

/* Keeps the reason; says it where it is another one than the last time. */
static void set_trouble(struct gateway *gateway, const char *why)
{
    if (gateway->trouble && strcmp(gateway->trouble, why) == 0)
        return;
    free(gateway->trouble);
    gateway->trouble = strdup(why);
    agent_notice(gateway->agent, "the gateway to other machines: %s", why);
}

/* What has not started yet can't, for now. */
static void fail_waiting(struct gateway *gateway)
{
    for (struct run *run = gateway->agent->runs; run; run = run->next)
        run_part_fail(run, gateway->trouble);
}

static void kill_process(struct gateway *gateway)
{
    if (gateway->pid > 0)
        kill(gateway->pid, SIGKILL);
}

void gateway_give_up(struct gateway *gateway, const char *why)
{
    set_trouble(gateway, why);
    kill_process(gateway); /* what follows, follows from its death */
}

void gateway_refuse(struct gateway *gateway, const char *why)
{
    free(gateway->refusal);
    gateway->refusal = strdup(why);
    gateway_give_up(gateway, why);
    agent_stand(gateway->agent);
}

void gateway_has_looked(struct gateway *gateway)
{
    free(take_ptr(gateway->refusal));
    gateway->is_clear = true;
    agent_stand(gateway->agent);
}

bool gateway_is_clear(const struct gateway *gateway)
{
    return gateway->is_clear;
}

const char *gateway_refusal(const struct gateway *gateway)
{
    return gateway->refusal;
}

/* ---- Its connection ---- */

static const char *text_of(json_t *object, const char *key)
{
    const char *text = json_get_text(object, key);
    return text ? text : "?";
}

static void on_open(void *context, json_t *result, const struct control_fault *fault)
{
    struct gateway *gateway = context;
    if (fault && strcmp(fault->code, "lost") == 0)
        return; /* its end tells */
    if (fault) {
        gateway_refuse(gateway, fault->message);
        fail_waiting(gateway);
        return;
    }
    alarm_clear(gateway->alarm);
    gateway->is_open = true;
    gateway->opened_ns = clock_now();
    free(take_ptr(gateway->trouble));
    if (!gateway->was_open)
        agent_notice(gateway->agent, "the gateway to other machines works (%s)", text_of(result, "engine"));
    else
        agent_notice(gateway->agent, "the gateway to other machines works again");
    gateway->was_open = true;
    for (struct run *run = gateway->agent->runs; run; run = run->next) {
        json_decref(take_ptr(run->offer));
        gateway_offer(run);
        if (run->dataflow && run->is_part)
            run_part_edges(run);
    }
}

static json_t *list_of(const char *const *texts)
{
    json_t *list = json_array();
    for (; texts && *texts; texts++)
        json_array_append_new(list, json_string(*texts));
    return list;
}

static void on_ready(void *context, struct control_connection *connection)
{
    struct gateway *gateway = context;
    const struct agent_options *options = &gateway->agent->options;
    const struct agent_gateway *wanted = options->gateway;
    if (strcmp(control_role(connection), "gateway") != 0) {
        gateway_give_up(gateway, "the program that was started is no gateway");
        return;
    }
    control_send(connection, "gateway.open",
                 json_pack("{s:s, s:o, s:o, s:o, s:b, s:b}", "machine", options->machine, "listen",
                           list_of(wanted->listen), "connect", list_of(wanted->connect), "config",
                           json_from_bytes(wanted->config), "insecure", wanted->is_insecure, "coordinator",
                           wanted->has_coordinator),
                 &(struct control_calls){.done = on_open}, gateway);
}

static void on_closed(void *context, struct control_connection *connection, const char *why)
{
    struct gateway *gateway = context;
    (void)connection;
    gateway->connection = NULL;
    gateway->is_open = false;
    if (why)
        set_trouble(gateway, why);
    kill_process(gateway);
}

static const struct control_owner owner = {
    .role = "daemon", .version = DORA_VERSION, .ready = on_ready, .request = gateway_request, .closed = on_closed};

bool gateway_is_open(const struct gateway *gateway)
{
    return gateway && gateway->is_open && gateway->connection;
}

struct agent *gateway_agent(const struct gateway *gateway)
{
    return gateway->agent;
}

int gateway_ask(struct gateway *gateway, const char *method, json_t *params, const struct control_calls *calls,
                void *context)
{
    if (gateway_is_open(gateway))
        return control_send(gateway->connection, method, params, calls, context);
    json_decref(params);
    return -ENOTCONN;
}

/* ---- What it offers ---- */

/* {"outputs": ["node/output"], "inputs": […]} of the nodes that run here. */
static json_t *ports_of(const struct run *run)
{
    json_t *outputs = json_array(), *inputs = json_array();
    for (uint32_t i = 0; i < run->dataflow->count; i++) {
        const struct participant *participant = run->dataflow->participants[i];
        const struct graph_node *node = participant->node;
        if (!population_is_own(participant))
            continue;
        for (size_t k = 0; k < node->output_count; k++)
            json_array_append_new(outputs, json_sprintf("%s/%s", node->id, node->outputs[k].id));
        for (size_t k = 0; k < node->input_count; k++)
            if (node->inputs[k].kind == GRAPH_INPUT_NODE)
                json_array_append_new(inputs, json_sprintf("%s/%s", node->id, node->inputs[k].id));
    }
    return json_pack("{s:s, s:o, s:o}", "dataflow", run->uuid, "outputs", outputs, "inputs", inputs);
}

static void ignore(void *context, json_t *result, const struct control_fault *fault)
{
    (void)context;
    (void)result;
    (void)fault;
}

void gateway_offer(struct run *run)
{
    struct gateway *gateway = run->agent->gateway;
    if (!gateway_is_open(gateway) || !run->dataflow || !run->dataflow->is_spawned)
        return;
    json_t *ports = ports_of(run);
    if (run->offer && json_equal(run->offer, ports)) {
        json_decref(ports);
        return;
    }
    json_decref(run->offer);
    run->offer = json_incref(ports);
    gateway_ask(gateway, "dataflow.open", ports, &(struct control_calls){.done = ignore}, NULL);
}

void gateway_withdraw(const struct run *run)
{
    if (run->agent->gateway)
        gateway_ask(run->agent->gateway, "dataflow.close", json_pack("{s:s}", "dataflow", run->uuid),
                    &(struct control_calls){.done = ignore}, NULL);
}

/* ---- Its process ---- */

static void start_again(struct gateway *gateway)
{
    bool was_proven = gateway->opened_ns && clock_now() - gateway->opened_ns > proven;
    gateway->retry_ns = was_proven || !gateway->retry_ns     ? retry_least
                        : gateway->retry_ns * 2 < retry_most ? gateway->retry_ns * 2
                                                             : retry_most;
    gateway->opened_ns = 0;
    alarm_set(gateway->alarm, gateway->retry_ns);
}

static void on_process(void *context, int events)
{
    struct gateway *gateway = context;
    siginfo_t info = {0};
    (void)events;
    /* The daemon's own look at its children may have been first. */
    waitid(P_PID, (id_t)gateway->pid, &info, WEXITED | WNOHANG);
    gateway->pid = 0;
    daemon_spare_no_more(gateway->agent->daemon, &gateway->spared);
    watch_close(take_ptr(gateway->process));
    control_close(take_ptr(gateway->connection)); /* what it was asked is lost */
    if (gateway->is_ending) {
        alarm_clear(gateway->alarm);
        agent_check(gateway->agent);
        return;
    }
    if (!gateway->trouble)
        set_trouble(gateway, "its process has ended");
    gateway->is_open = false;
    gateway->futile = gateway->opened_ns ? 0 : gateway->futile + 1;
    if (!gateway->opened_ns)
        fail_waiting(gateway);
    if (gateway->futile == FUTILE_MOST && !gateway->refusal)
        gateway_refuse(gateway, "its gateway ends as soon as it is started; the daemon's log may say why");
    start_again(gateway);
}

static int start(struct gateway *gateway, struct error *error)
{
    int pid_fd, socket;
    int rc = gateway_spawn(&gateway->pid, &pid_fd, &socket, error);
    if (rc < 0)
        return rc;
    uv_loop_t *loop = gateway->agent->loop;
    gateway->spared = (struct spared){.pid = gateway->pid};
    daemon_spare(gateway->agent->daemon, &gateway->spared);
    rc = control_open(&gateway->connection, loop, socket, &owner, gateway, error);
    if (rc < 0)
        gateway->connection = NULL;
    int watched = watch_open(&gateway->process, loop, pid_fd, UV_READABLE, on_process, gateway, error);
    if (rc < 0 || watched < 0)
        kill_process(gateway);
    if (watched < 0) {
        waitpid(gateway->pid, NULL, 0);
        daemon_spare_no_more(gateway->agent->daemon, &gateway->spared);
        gateway->pid = 0;
        return watched;
    }
    alarm_set(gateway->alarm, open_patience);
    return 0;
}

static void on_alarm(void *context)
{
    struct gateway *gateway = context;
    struct error error = ERROR_INIT;
    if (gateway->pid > 0 && !gateway->is_ending)
        gateway_give_up(gateway, "it does not start: nothing is heard of it");
    else if (gateway->pid > 0)
        kill_process(gateway);
    else if (!gateway->is_ending && start(gateway, &error) < 0) {
        set_trouble(gateway, error.message);
        fail_waiting(gateway);
        start_again(gateway);
    }
}

/* ---- Its life ---- */

int gateway_open(struct agent *agent, struct error *error)
{
    char path[PATH_MAX];
    int rc = gateway_program(path, error);
    if (rc < 0)
        return rc;
    struct gateway *gateway = agent->gateway = calloc(1, sizeof *gateway);
    if (!gateway)
        return error_set(error, -ENOMEM, "no memory for the gateway");
    gateway->agent = agent;
    rc = alarm_open(&gateway->alarm, agent->loop, on_alarm, gateway, error);
    if (rc == 0)
        alarm_set(gateway->alarm, 0);
    return rc;
}

bool gateway_end(struct agent *agent)
{
    struct gateway *gateway = agent->gateway;
    if (!gateway)
        return true;
    if (!gateway->is_ending) {
        gateway->is_ending = true;
        gateway->is_open = false;
        control_close(take_ptr(gateway->connection)); /* upon which it ends */
        alarm_set(gateway->alarm, end_patience);
    }
    return gateway->pid == 0;
}

void gateway_close(struct gateway *gateway)
{
    if (!gateway)
        return;
    gateway->is_ending = true;
    control_close(take_ptr(gateway->connection));
    kill_process(gateway);
    if (gateway->pid > 0)
        waitpid(gateway->pid, NULL, 0);
    daemon_spare_no_more(gateway->agent->daemon, &gateway->spared);
    watch_close(gateway->process);
    alarm_close(gateway->alarm);
    free(gateway->trouble);
    free(gateway->refusal);
    free(gateway);
}
