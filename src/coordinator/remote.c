/* Commands that run on another machine for a connection (docs/machines.md): passed on to that machine's daemon, which
 * is told when whoever asked is gone. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "coordinator/core.h"

struct remote {
    struct remote *next;
    json_int_t id;
    const struct control_connection *asker;
    const struct machine *machine;
    const struct control_connection *daemon; /* while it is the machine's, the command may run */
};

/* A request that the daemon is asked. */
struct asked {
    struct coordinator *coordinator;
    struct control_request *request;
    const struct machine *machine;
    json_int_t id;
    bool is_first; /* that it begins */
};

static struct remote **find(struct coordinator *coordinator, json_int_t id)
{
    struct remote **link = &coordinator->remotes;
    while (*link && (*link)->id != id)
        link = &(*link)->next;
    return link;
}

static void drop(struct remote **link)
{
    struct remote *remote = *link;
    if (!remote)
        return;
    *link = remote->next;
    free(remote);
}

static void refuse_lost(struct control_request *request, const struct machine *machine)
{
    control_refusef(request, "no-daemon", "`dora status` shows which machines are there",
                    "machine `%s`, where the command ran, has been lost", machine_label(machine));
}

static void on_answer(void *context, json_t *result, const struct control_fault *fault)
{
    autofree struct asked *asked = context;
    bool is_lost = fault && strcmp(fault->code, "lost") == 0;
    if (is_lost || (fault && asked->is_first) || json_object_get(result, "status"))
        drop(find(asked->coordinator, asked->id));
    if (is_lost)
        refuse_lost(asked->request, asked->machine);
    else if (fault)
        control_refuse(asked->request, fault);
    else
        control_answer(asked->request, json_incref(result));
}

static void pass_on(struct coordinator *coordinator, const struct remote *remote, struct control_request *request,
                    const char *method, json_t *params)
{
    static const struct control_calls calls = {.done = on_answer};
    struct asked *asked = malloc(sizeof *asked);
    if (!asked) {
        refuse_memory(request);
        return;
    }
    *asked = (struct asked){coordinator, request, remote->machine, remote->id, strcmp(method, "machine.command") == 0};
    if (control_send(remote->machine->connection, method, json_incref(params), &calls, asked) == 0)
        return;
    free(asked);
    control_refusef(request, "failed", NULL, "the daemon can't be asked");
}

static void begin(struct coordinator *coordinator, struct control_request *request, json_t *params)
{
    const char *name = json_string_value(json_object_get(params, "machine"));
    struct machine *machine = name ? machine_find(coordinator, name) : NULL;
    if (!machine) {
        control_refusef(request, "not-found", "`dora status` shows those there are", "there is no machine `%s`",
                        name ? name : "");
        return;
    }
    if (!machine_can_be_asked(machine, request))
        return;
    struct remote *remote = malloc(sizeof *remote);
    if (!remote) {
        refuse_memory(request);
        return;
    }
    *remote = (struct remote){coordinator->remotes, ++coordinator->last_remote, control_asker(request), machine,
                              machine->connection};
    coordinator->remotes = remote;
    json_object_set_new(params, "command", json_integer(remote->id));
    pass_on(coordinator, remote, request, "machine.command", params);
}

void handle_remote(struct coordinator *coordinator, struct control_request *request, const char *method, json_t *params)
{
    if (strcmp(method, "machine.command") == 0) {
        begin(coordinator, request, params);
        return;
    }
    struct remote **link = find(coordinator, json_integer_value(json_object_get(params, "command")));
    bool is_known = strcmp(method, "machine.output") == 0 || strcmp(method, "machine.end") == 0;
    if (!is_known) {
        control_refusef(request, "invalid", NULL, "this coordinator knows no request `%s`", method);
    } else if (!*link || (*link)->asker != control_asker(request)) {
        control_refusef(request, "not-found", NULL, "no such command runs on another machine for this connection");
    } else if ((*link)->daemon != (*link)->machine->connection) {
        refuse_lost(request, (*link)->machine);
        drop(link);
    } else {
        pass_on(coordinator, *link, request, method, params);
    }
}

static void on_ended(void *context, json_t *result, const struct control_fault *fault)
{
    (void)context;
    (void)result;
    (void)fault;
}

void remote_asker_gone(struct coordinator *coordinator, const struct control_connection *asker)
{
    static const struct control_calls calls = {.done = on_ended};
    for (struct remote **link = &coordinator->remotes; *link;) {
        struct remote *remote = *link;
        if (remote->asker != asker) {
            link = &remote->next;
            continue;
        }
        if (remote->daemon == remote->machine->connection)
            control_send(remote->machine->connection, "machine.end",
                         json_pack("{s:I, s:b}", "command", remote->id, "forget", 1), &calls, NULL);
        drop(link);
    }
}

void remote_free_all(struct coordinator *coordinator)
{
    while (coordinator->remotes)
        drop(&coordinator->remotes);
}
