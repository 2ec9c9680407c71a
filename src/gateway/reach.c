#include "gateway/reach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AGAIN_MS = 200 };

/* How long a machine has to answer at all, and at once. */
static const int64_t PATIENCE = 6 * CLOCK_SECOND, ASK_PATIENCE = 2 * CLOCK_SECOND;

/* A request that waits. */
struct waiting {
    struct mail mail; /* that an attempt is over */
    struct waiting *next;
    struct reach *reach;
    struct control_request *request; /* NULL: it has been answered, and an attempt is still under way */
    const char *machine, *dataflow, *topic;
    int64_t deadline;
    bool is_asking;
    bool has_answered; /* the engine's thread, until the mail is opened */
};

struct reach {
    struct gateway *gateway;
    void (*go)(void *context, struct control_request *request);
    void *context;
    struct waiting *first;
    uv_timer_t *timer; /* while somebody waits */
};

static void forget(struct waiting *waiting)
{
    struct waiting **at = &waiting->reach->first;
    while (*at != waiting)
        at = &(*at)->next;
    *at = waiting->next;
    free(waiting);
}

static void refuse(struct waiting *waiting, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void refuse(struct waiting *waiting, const char *code, const char *format, ...)
{
    char text[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct control_request *request = waiting->request;
    waiting->request = NULL;
    if (!waiting->is_asking)
        forget(waiting);
    control_refusef(request, code, NULL, "%s", text);
}

static void attempt_over(struct mail *mail)
{
    struct waiting *waiting = (struct waiting *)mail;
    struct reach *reach = waiting->reach;
    struct control_request *request = waiting->request;
    waiting->is_asking = false;
    if (request && waiting->has_answered) {
        forget(waiting);
        reach->go(reach->context, request);
    } else if (!request) {
        forget(waiting);
    } else if (clock_now() >= waiting->deadline) {
        refuse(waiting, "no-daemon", "machine %s can't reach machine %s", reach->gateway->machine, waiting->machine);
    }
}

/* On the engine's thread. */
static void on_pong(void *context, const struct net_bytes *reply, const char *refusal)
{
    struct waiting *waiting = context;
    if (reply)
        waiting->has_answered = true;
    else if (!refusal)
        mailbox_post(&waiting->reach->gateway->mailbox, &waiting->mail);
}

static void ask(struct waiting *waiting)
{
    char key[KEY_MOST];
    struct error error = ERROR_INIT;
    snprintf(key, sizeof key, "dora/@1/ping/%s", waiting->machine);
    waiting->is_asking = true;
    if (net_ask(waiting->reach->gateway->net, key, NULL, 0, ASK_PATIENCE, on_pong, waiting, &error) == 0)
        return;
    waiting->is_asking = false;
    if (clock_now() >= waiting->deadline)
        refuse(waiting, "failed", "%s", error.message);
}

static void on_timer(uv_timer_t *timer)
{
    struct reach *reach = timer->data;
    for (struct waiting *waiting = reach->first, *next; waiting; waiting = next) {
        next = waiting->next;
        if (!waiting->is_asking)
            ask(waiting);
    }
    if (!reach->first)
        uv_timer_stop(timer);
}

int reach_open(struct reach **out, struct gateway *gateway, void (*go)(void *context, struct control_request *request),
               void *context)
{
    struct reach *reach = calloc(1, sizeof *reach);
    if (!reach || !(reach->timer = malloc(sizeof *reach->timer))) {
        free(reach);
        return -ENOMEM;
    }
    reach->gateway = gateway;
    reach->go = go;
    reach->context = context;
    uv_timer_init(gateway->loop, reach->timer);
    reach->timer->data = reach;
    *out = reach;
    return 0;
}

int reach_wait(struct reach *reach, struct control_request *request, const char *machine, const char *dataflow,
               const char *topic)
{
    struct waiting *waiting = malloc(sizeof *waiting);
    if (!waiting)
        return -ENOMEM;
    *waiting = (struct waiting){.mail.open = attempt_over,
                                .next = reach->first,
                                .reach = reach,
                                .request = request,
                                .machine = machine,
                                .dataflow = dataflow,
                                .topic = topic,
                                .deadline = clock_after(clock_now(), PATIENCE)};
    reach->first = waiting;
    if (!uv_is_active((uv_handle_t *)reach->timer))
        uv_timer_start(reach->timer, on_timer, AGAIN_MS, AGAIN_MS);
    ask(waiting);
    return 0;
}

bool reach_cancel(struct reach *reach, const char *dataflow, const char *topic, const char *machine)
{
    bool has_some = false;
    for (struct waiting *waiting = reach->first, *next; waiting; waiting = next) {
        next = waiting->next;
        if (!waiting->request || (dataflow && strcmp(waiting->dataflow, dataflow) != 0) ||
            (topic && strcmp(waiting->topic, topic) != 0) || (machine && strcmp(waiting->machine, machine) != 0))
            continue;
        has_some = true;
        refuse(waiting, "failed", "the edge was closed before it had joined");
    }
    return has_some;
}

void reach_end(struct reach *reach)
{
    reach_cancel(reach, NULL, NULL, NULL);
}

bool reach_is_idle(const struct reach *reach)
{
    return !reach->first;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

void reach_free(struct reach *reach)
{
    if (!reach)
        return;
    uv_close((uv_handle_t *)reach->timer, on_closed);
    while (reach->first)
        forget(reach->first);
    free(reach);
}
