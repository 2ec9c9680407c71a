/* Who is there: tokens of gateways and of the coordinator, round trips and clocks, and where to find who is lost. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "gateway/gateway.h"
#include "gateway/lost.h"
#include "link/sockets.h"

enum { INSTANCES_MOST = 1024, PING_MS = 2000 };
/* Below zenoh's own, which is 10 s. */
enum { PATIENCE_MS = 6000 };

static const int64_t PING_PATIENCE = 2 * CLOCK_SECOND;
/* How far apart two starts must be to tell by their age which was the first. */
static const int64_t SAME_AGE = 50 * CLOCK_MILLI;

/* A gateway that is in sight. A machine has two for a while when its gateway was started anew. */
struct instance {
    struct instance *next;
    char *machine, *id;
    char *address; /* NULL: not known yet */
    bool has_coordinator;
    bool is_asked;            /* a ping is under way */
    int64_t round_trip, skew; /* -1, 0: not known yet */
};

struct machines {
    struct gateway *gateway;
    struct net_token *token, *coordinator;
    struct net_queryable *ping;
    struct net_watch *watch, *coordinators;
    struct instance *instances;
    size_t count;
    struct lost *lost;
    char address[NET_ADDRESS]; /* "": not known */
    bool has_looked;           /* the daemon knows that nobody is in the way */
    uv_timer_t *timer;
};

static int64_t clock_unix(void)
{
    return clock_ntp64_to_ns(clock_ntp64());
}

static struct instance **find(struct machines *machines, const char *id)
{
    struct instance **at = &machines->instances;
    while (*at && strcmp((*at)->id, id) != 0)
        at = &(*at)->next;
    return at;
}

const char *machines_coordinator(const struct machines *machines)
{
    for (const struct instance *i = machines->instances; i; i = i->next)
        if (i->has_coordinator)
            return i->id;
    return NULL;
}

static void free_instance(struct instance *instance)
{
    free(instance->machine);
    free(instance->id);
    free(instance->address);
    free(instance);
}

/* ---- Pings ---- */

/* Answered on the engine's thread: the instance, its clock, its age, and where it is to be found. */
static void on_ping(void *context, struct net_query *query, struct net_bytes payload)
{
    struct machines *machines = context;
    const struct gateway *gateway = machines->gateway;
    (void)payload;
    json_t *answer = json_pack("{s:s, s:I, s:I, s:s}", "instance", gateway->instance, "clock", (json_int_t)clock_unix(),
                               "age", (json_int_t)(clock_now() - gateway->started_ns), "address", machines->address);
    autofree char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
    json_decref(answer);
    if (text)
        net_reply(query, text, strlen(text));
    else
        net_decline(query, "no memory");
}

struct ping {
    struct mail mail;
    struct machines *machines;
    char instance[UUID_TEXT]; /* who is asked */
    int64_t sent_ns, received_ns;
    int64_t sent_unix, received_unix;
    json_t *reply; /* NULL: none */
};

static bool is_rival(const struct machines *machines, const struct instance *instance)
{
    const struct gateway *gateway = machines->gateway;
    return strcmp(instance->machine, gateway->machine) == 0 || (instance->has_coordinator && gateway->has_coordinator);
}

/* One of the two has to go: the younger. */
static void settle(struct machines *machines, const struct instance *instance, const struct ping *ping, int64_t age)
{
    struct gateway *gateway = machines->gateway;
    int64_t own = (ping->sent_ns + ping->received_ns) / 2 - gateway->started_ns, older = age - own;
    if (older < -SAME_AGE || (older <= SAME_AGE && strcmp(instance->id, gateway->instance) > 0))
        return;
    if (strcmp(instance->machine, gateway->machine) == 0)
        gateway_fail(gateway, "there is a machine `%s` already: give this one another name (--machine-id)",
                     gateway->machine);
    else
        gateway_fail(gateway,
                     "machine `%s` has a coordinator already, and there can be but one: connect this machine to it "
                     "(--connect) without --coordinator",
                     instance->machine);
}

static void note_address(struct instance *instance, const char *address)
{
    if (!instance->address && *address && strlen(address) < NET_ADDRESS)
        instance->address = strdup(address);
}

static void ping_answered(struct mail *mail)
{
    struct ping *ping = (struct ping *)mail;
    struct machines *machines = ping->machines;
    struct instance *instance = *find(machines, ping->instance);
    const char *id = NULL, *address = "";
    json_int_t clock = 0, age = 0;
    if (instance)
        instance->is_asked = false;
    if (instance && ping->reply &&
        json_unpack(ping->reply, "{s:s, s:I, s:I, s?s}", "instance", &id, "clock", &clock, "age", &age, "address",
                    &address) == 0 &&
        strcmp(id, instance->id) == 0) {
        note_address(instance, address);
        instance->round_trip = ping->received_ns - ping->sent_ns;
        instance->skew = clock - (ping->sent_unix / 2 + ping->received_unix / 2);
        if (is_rival(machines, instance) && !machines->gateway->is_ending)
            settle(machines, instance, ping, age);
    }
    json_decref(ping->reply);
    free(ping);
}

/* On the engine's thread; of several answers that of the one who was asked counts. */
static void on_pong(void *context, const struct net_bytes *reply, const char *refusal)
{
    struct ping *ping = context;
    if (reply) {
        json_t *json = json_loadb(reply->data, reply->len, 0, NULL);
        const char *id = json_string_value(json_object_get(json, "instance"));
        if (id && strcmp(id, ping->instance) == 0 && !ping->reply) {
            ping->received_ns = clock_now();
            ping->received_unix = clock_unix();
            ping->reply = json_incref(json);
        }
        json_decref(json);
    } else if (!refusal) {
        mailbox_post(&ping->machines->gateway->mailbox, &ping->mail);
    }
}

static void ask(struct machines *machines, struct instance *instance)
{
    char key[KEY_MOST];
    struct error error = ERROR_INIT;
    struct ping *ping = calloc(1, sizeof *ping);
    if (!ping || instance->is_asked) {
        free(ping);
        return;
    }
    snprintf(key, sizeof key, "dora/@1/ping/%s", instance->machine);
    *ping = (struct ping){
        .mail.open = ping_answered, .machines = machines, .sent_ns = clock_now(), .sent_unix = clock_unix()};
    snprintf(ping->instance, sizeof ping->instance, "%s", instance->id);
    instance->is_asked = true;
    if (net_ask(machines->gateway->net, key, NULL, 0, PING_PATIENCE, on_pong, ping, &error) < 0) {
        instance->is_asked = false;
        free(ping);
    }
}

/* Tells the daemon, once, that nobody who came in sight at first is in the way. */
static void look(struct machines *machines)
{
    struct gateway *gateway = machines->gateway;
    for (const struct instance *i = machines->instances; i; i = i->next)
        if (i->is_asked)
            return;
    if (machines->has_looked || gateway->status != EXIT_SUCCESS)
        return;
    machines->has_looked = true;
    gateway_tell(gateway, "looked", json_object());
}

static void on_timer(uv_timer_t *timer)
{
    struct machines *machines = timer->data;
    sockets_tune(PATIENCE_MS);
    look(machines);
    lost_reach(&machines->lost, machines->gateway, clock_now());
    for (struct instance *i = machines->instances; i; i = i->next)
        ask(machines, i);
}

/* ---- Tokens ---- */

struct token_mail {
    struct mail mail;
    struct machines *machines;
    bool is_alive, is_coordinator;
    char machine[128], id[UUID_TEXT];
};

static void add_instance(struct machines *machines, const struct token_mail *token)
{
    struct instance **at = find(machines, token->id);
    struct instance *instance = *at;
    if (!instance && machines->count < INSTANCES_MOST && (instance = calloc(1, sizeof *instance))) {
        *instance = (struct instance){.machine = strdup(token->machine), .id = strdup(token->id), .round_trip = -1};
        if (!instance->machine || !instance->id) {
            free_instance(instance);
            return;
        }
        *at = instance;
        machines->count++;
    }
    lost_found(&machines->lost, token->machine);
    if (!instance)
        return;
    instance->has_coordinator |= token->is_coordinator;
    ask(machines, instance);
}

/* By this gateway or any other. */
static bool is_there(const struct machines *machines, const char *machine)
{
    const struct instance *i = machines->instances;
    while (i && strcmp(i->machine, machine) != 0)
        i = i->next;
    return i || strcmp(machines->gateway->machine, machine) == 0;
}

static void remove_instance(struct machines *machines, const struct token_mail *token)
{
    struct instance **at = find(machines, token->id), *instance = *at;
    if (!instance)
        return;
    if (token->is_coordinator) {
        instance->has_coordinator = false;
        return;
    }
    *at = instance->next;
    machines->count--;
    if (instance->address && !is_there(machines, instance->machine))
        lost_add(&machines->lost, instance->machine, instance->address, clock_now());
    free_instance(instance);
}

static void token_changed(struct mail *mail)
{
    struct token_mail *token = (struct token_mail *)mail;
    struct machines *machines = token->machines;
    struct gateway *gateway = machines->gateway;
    if (token->is_alive)
        add_instance(machines, token);
    else
        remove_instance(machines, token);
    if (!token->is_coordinator)
        gateway_tell(
            gateway, "machine",
            json_pack("{s:s, s:s, s:b}", "machine", token->machine, "instance", token->id, "alive", token->is_alive));
    gateway_machine_changed(gateway, token->id, token->is_alive);
    free(token);
}

/* PREFIX/MACHINE/INSTANCE. On the engine's thread. */
static void on_token(struct machines *machines, const char *key, bool is_alive, bool is_coordinator)
{
    const char *prefix = is_coordinator ? "dora/@1/coordinator/" : "dora/@1/machine/";
    size_t len = strlen(prefix);
    const char *machine = key + len, *slash;
    struct token_mail *token;
    if (strncmp(key, prefix, len) != 0 || !(slash = strchr(machine, '/')) || slash == machine ||
        (size_t)(slash - machine) >= sizeof token->machine || strlen(slash + 1) != UUID_TEXT - 1 ||
        strcmp(slash + 1, machines->gateway->instance) == 0 || !(token = calloc(1, sizeof *token)))
        return;
    token->mail.open = token_changed;
    token->machines = machines;
    token->is_alive = is_alive;
    token->is_coordinator = is_coordinator;
    memcpy(token->machine, machine, (size_t)(slash - machine));
    strcpy(token->id, slash + 1);
    mailbox_post(&machines->gateway->mailbox, &token->mail);
}

static void on_machine(void *context, const char *key, bool is_alive)
{
    on_token(context, key, is_alive, false);
}

static void on_coordinator(void *context, const char *key, bool is_alive)
{
    on_token(context, key, is_alive, true);
}

/* ---- Life ---- */

json_t *machines_metrics(const struct machines *machines)
{
    json_t *list = json_array();
    for (const struct instance *i = machines->instances; i; i = i->next)
        json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:b, s:o, s:o}", "machine", i->machine, "instance",
                                              i->id, "alive", 1, "coordinator", i->has_coordinator, "round_trip",
                                              i->round_trip < 0 ? json_null() : json_integer(i->round_trip), "skew",
                                              i->round_trip < 0 ? json_null() : json_integer(i->skew)));
    return list;
}

static int open_token(struct machines *machines, const char *kind, struct net_token **token, struct error *error)
{
    const struct gateway *gateway = machines->gateway;
    char key[KEY_MOST];
    snprintf(key, sizeof key, "dora/@1/%s/%s/%s", kind, gateway->machine, gateway->instance);
    return net_token_open(token, gateway->net, key, error);
}

int machines_open(struct machines **out, struct gateway *gateway, struct error *error)
{
    char ping[KEY_MOST];
    struct net *net = gateway->net;
    struct machines *machines = calloc(1, sizeof *machines);
    if (!machines || !(machines->timer = malloc(sizeof *machines->timer))) {
        free(machines);
        return error_set(error, -ENOMEM, "no memory for a gateway");
    }
    machines->gateway = gateway;
    if (net_address(net, machines->address, sizeof machines->address) < 0)
        *machines->address = '\0';
    uv_timer_init(gateway->loop, machines->timer);
    machines->timer->data = machines;
    uv_timer_start(machines->timer, on_timer, PING_MS, PING_MS);
    *out = machines;
    snprintf(ping, sizeof ping, "dora/@1/ping/%s", gateway->machine);
    int rc = net_queryable_open(&machines->ping, net, ping, on_ping, machines, error);
    if (rc == 0)
        rc = open_token(machines, "machine", &machines->token, error);
    if (rc == 0 && gateway->has_coordinator)
        rc = open_token(machines, "coordinator", &machines->coordinator, error);
    if (rc == 0)
        rc = net_watch_open(&machines->watch, net, "dora/@1/machine/*/*", on_machine, machines, error);
    if (rc == 0)
        rc = net_watch_open(&machines->coordinators, net, "dora/@1/coordinator/*/*", on_coordinator, machines, error);
    if (rc == 0 && !*gateway->endpoints)
        look(machines); /* who connects to this one comes later */
    return rc;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

void machines_free(struct machines *machines)
{
    if (!machines)
        return;
    net_watch_close(machines->coordinators);
    net_watch_close(machines->watch);
    net_token_close(machines->coordinator);
    net_token_close(machines->token);
    net_queryable_close(machines->ping);
    while (machines->instances) {
        struct instance *instance = machines->instances;
        machines->instances = instance->next;
        free_instance(instance);
    }
    lost_free(&machines->lost);
    uv_close((uv_handle_t *)machines->timer, on_closed);
    free(machines);
}
