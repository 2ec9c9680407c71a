#include "gateway/foreign.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gateway/foreign_json.h"

/* Before the daemon is asked again for what it refused. */
static const int64_t REST = CLOCK_SECOND;

struct port {
    struct port *next;
    struct foreign *foreign;
    char *dataflow, *name;
    bool is_output;
    struct net_publisher *publisher;   /* an output's */
    struct net_subscriber *subscriber; /* an input's */
    struct foreign_tap *tap;
    struct foreign_feed *feed;
    bool is_matched; /* an output: somebody subscribes */
    bool is_asking;  /* the daemon, for a config */
    bool is_running; /* the thread of tap or feed */
    bool is_closed;  /* freed when neither is */
    bool is_kept;    /* found again in dataflow.open */

    _Atomic bool has_told; /* an input: the loop knows that something came */
    _Atomic int64_t asked_at;
};

struct foreign {
    struct gateway *gateway;
    struct port *ports;
};

struct port_mail {
    struct mail mail;
    struct port *port;
    bool is_matched;
};

static void post(struct port *port, void (*open)(struct mail *mail), bool is_matched)
{
    struct port_mail *mail = malloc(sizeof *mail);
    if (!mail)
        return;
    *mail = (struct port_mail){.mail.open = open, .port = port, .is_matched = is_matched};
    mailbox_post(&port->foreign->gateway->mailbox, &mail->mail);
}

static void free_port(struct port *port)
{
    struct port **at = &port->foreign->ports;
    while (*at && *at != port)
        at = &(*at)->next;
    if (*at)
        *at = port->next;
    foreign_tap_free(port->tap);
    foreign_feed_free(port->feed);
    net_publisher_close(port->publisher);
    free(port->dataflow);
    free(port->name);
    free(port);
}

static void buried(struct mail *mail)
{
    free_port(((struct port_mail *)mail)->port);
    free(mail);
}

/* Frees it once nothing needs it any more, and all that was posted of it has been read. */
static void check(struct port *port)
{
    if (!port->is_closed || port->is_asking || port->is_running)
        return;
    net_publisher_close(take_ptr(port->publisher));
    post(port, buried, false);
}

static void close_port(struct port *port)
{
    if (port->is_closed)
        return;
    port->is_closed = true;
    net_subscriber_close(take_ptr(port->subscriber));
    if (port->tap)
        foreign_tap_end(port->tap);
    if (port->feed)
        foreign_feed_end(port->feed);
    check(port);
}

/* ---- When somebody is there ---- */

static void ask(struct port *port);

static void has_left(struct mail *mail)
{
    struct port *port = ((struct port_mail *)mail)->port;
    free(mail);
    port->is_running = false;
    foreign_tap_free(take_ptr(port->tap));
    check(port);
    if (port->is_output && port->is_matched)
        ask(port);
}

static void on_left(void *context)
{
    post(context, has_left, false);
}

static void got_config(void *context, json_t *result, const struct control_fault *fault)
{
    struct port *port = context;
    const char *config = json_string_value(json_object_get(result, "config"));
    (void)fault;
    port->is_asking = false;
    if (config && !port->is_closed && port->is_output) {
        struct foreign_options options = {
            .config = config, .publisher = port->publisher, .left = on_left, .context = port};
        port->is_running = port->is_matched && foreign_tap_open(&port->tap, &options) == 0;
    } else if (config && !port->is_closed) {
        port->is_running = foreign_feed_start(port->feed, config, port->name) == 0;
    }
    /* relaxed: a message more or less that is told of does no harm. */
    atomic_store_explicit(&port->has_told, port->is_running, memory_order_relaxed);
    check(port);
}

static void ask(struct port *port)
{
    static const struct control_calls calls = {.done = got_config};
    struct gateway *gateway = port->foreign->gateway;
    int64_t now = clock_now();
    if (port->is_closed || port->is_asking || port->is_running || !gateway->daemon || gateway->is_ending)
        return;
    atomic_store_explicit(&port->asked_at, now, memory_order_relaxed);
    port->is_asking = true;
    json_t *params =
        json_pack("{s:s, s:s}", "dataflow", port->dataflow, port->is_output ? "topic" : "input", port->name);
    if (control_send(gateway->daemon, port->is_output ? "watch" : "feed", params, &calls, port) < 0)
        port->is_asking = false;
}

static void match_changed(struct mail *mail)
{
    struct port_mail *said = (struct port_mail *)mail;
    struct port *port = said->port;
    port->is_matched = said->is_matched;
    if (port->is_matched)
        ask(port);
    else if (port->tap)
        foreign_tap_end(port->tap);
    free(mail);
}

static void something_came(struct mail *mail)
{
    ask(((struct port_mail *)mail)->port);
    free(mail);
}

/* On the engine's threads. */
static void on_matching(void *context, bool is_matched)
{
    post(context, match_changed, is_matched);
}

static void on_arrived(void *context, const struct net_sample *sample)
{
    struct port *port = context;
    foreign_feed_put(port->feed, sample);
    if (atomic_load_explicit(&port->has_told, memory_order_relaxed) ||
        clock_now() - atomic_load_explicit(&port->asked_at, memory_order_relaxed) < REST)
        return;
    atomic_store_explicit(&port->has_told, true, memory_order_relaxed);
    post(port, something_came, false);
}

/* ---- What is offered ---- */

static int offer(struct foreign *foreign, const char *dataflow, const char *name, bool is_output)
{
    char key[KEY_MOST];
    struct error error = ERROR_INIT;
    struct net *net = foreign->gateway->net;
    for (struct port *port = foreign->ports; port; port = port->next)
        if (!port->is_closed && port->is_output == is_output && strcmp(port->dataflow, dataflow) == 0 &&
            strcmp(port->name, name) == 0) {
            port->is_kept = true;
            return 0;
        }
    struct port *port = calloc(1, sizeof *port);
    if (!port)
        return -ENOMEM;
    *port = (struct port){.foreign = foreign,
                          .dataflow = strdup(dataflow),
                          .name = strdup(name),
                          .is_output = is_output,
                          .is_kept = true,
                          .next = foreign->ports};
    atomic_store_explicit(&port->asked_at, clock_now() - REST, memory_order_relaxed);
    foreign->ports = port;
    struct net_publisher_options how = {
        .drop = true, .encoding = FOREIGN_ENCODING, .matching = on_matching, .context = port};
    int rc = port->dataflow && port->name ? 0 : -ENOMEM;
    if (rc == 0 && (size_t)snprintf(key, sizeof key, "dora/%s/%s/%s", dataflow, is_output ? "output" : "input", name) >=
                       sizeof key)
        rc = -ENAMETOOLONG;
    if (rc == 0 && is_output)
        rc = net_publisher_open(&port->publisher, net, key, &how, &error);
    if (rc == 0 && !is_output)
        rc = foreign_feed_open(&port->feed, on_left, port);
    if (rc == 0 && !is_output)
        rc = net_subscriber_open(&port->subscriber, net, key, on_arrived, port, &error);
    if (rc < 0)
        close_port(port);
    return rc;
}

static int offer_all(struct foreign *foreign, const char *dataflow, json_t *names, bool is_output)
{
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name)
    {
        int rc = json_is_string(name) ? offer(foreign, dataflow, json_string_value(name), is_output) : -EINVAL;
        if (rc < 0)
            return rc;
    }
    return 0;
}

void foreign_open_dataflow(struct foreign *foreign, struct control_request *request, json_t *params)
{
    const char *dataflow = json_string_value(json_object_get(params, "dataflow"));
    if (!dataflow) {
        control_refusef(request, "invalid", NULL, "dataflow.open takes dataflow, outputs and inputs");
        return;
    }
    for (struct port *port = foreign->ports; port; port = port->next)
        port->is_kept = strcmp(port->dataflow, dataflow) != 0;
    int rc = offer_all(foreign, dataflow, json_object_get(params, "outputs"), true);
    if (rc == 0)
        rc = offer_all(foreign, dataflow, json_object_get(params, "inputs"), false);
    for (struct port *port = foreign->ports; port; port = port->next)
        if (!port->is_kept)
            close_port(port);
    if (rc < 0)
        control_refusef(request, control_errno_code(rc), NULL, "its ports can't be offered: %s", strerror(-rc));
    else
        control_answer(request, json_object());
}

void foreign_close_dataflow(struct foreign *foreign, const char *dataflow)
{
    for (struct port *port = foreign->ports; port; port = port->next)
        if (strcmp(port->dataflow, dataflow) == 0)
            close_port(port);
}

/* ---- Life ---- */

int foreign_open(struct foreign **out, struct gateway *gateway)
{
    struct foreign *foreign = calloc(1, sizeof *foreign);
    if (!foreign)
        return -ENOMEM;
    foreign->gateway = gateway;
    *out = foreign;
    return 0;
}

void foreign_end(struct foreign *foreign)
{
    for (struct port *port = foreign->ports; port; port = port->next)
        close_port(port);
}

bool foreign_idle(const struct foreign *foreign)
{
    for (const struct port *port = foreign->ports; port; port = port->next)
        if (port->is_running)
            return false;
    return true;
}

void foreign_free(struct foreign *foreign)
{
    if (!foreign)
        return;
    while (foreign->ports)
        free_port(foreign->ports);
    free(foreign);
}
