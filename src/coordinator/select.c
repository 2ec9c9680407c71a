/* Which dataflow a person means: by its id, its name, or the beginning of either. What runs is looked through first, so
 * that an old dataflow's name is not in the way of a new one's. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/suggest.h"
#include "coordinator/core.h"

enum rank { NO_MATCH, NAME_BEGINS, ID_BEGINS, NAME, ID };

enum { LISTED_MOST = 8 };

struct search {
    const char *wanted; /* NULL: any */
    enum rank best;
    size_t count; /* of matches that are as good */
    char uuid[UUID_TEXT];
    struct buf list; /* for the hint */
    size_t distance; /* of the name that is nearest to the one wanted, */
    char near[128];  /* and that name; "" for none near enough */
    bool newest_name_wins;
};

static enum rank rank_of(const char *wanted, const char *uuid, const char *name)
{
    size_t len = strlen(wanted);
    if (strcasecmp(uuid, wanted) == 0)
        return ID;
    if (name && strcmp(name, wanted) == 0)
        return NAME;
    if (strncasecmp(uuid, wanted, len) == 0)
        return ID_BEGINS;
    return name && strncmp(name, wanted, len) == 0 ? NAME_BEGINS : NO_MATCH;
}

static void consider_near(struct search *search, const char *name)
{
    size_t distance = suggest_distance(search->wanted, name);
    if (!suggest(search->wanted, &name, 1) || strlen(name) >= sizeof search->near ||
        (*search->near && distance >= search->distance))
        return;
    strcpy(search->near, name);
    search->distance = distance;
}

static void consider(void *context, json_t *dataflow)
{
    struct search *search = context;
    const char *uuid = json_string_value(json_object_get(dataflow, "uuid"));
    const char *name = json_string_value(json_object_get(dataflow, "name"));
    if (!uuid || strlen(uuid) >= UUID_TEXT)
        return;
    enum rank rank = search->wanted ? rank_of(search->wanted, uuid, name) : ID_BEGINS;
    if (rank == NO_MATCH && name)
        consider_near(search, name);
    if (rank == NO_MATCH || rank < search->best)
        return;
    if (rank > search->best) {
        search->best = rank;
        search->count = 0;
        buf_clear(&search->list);
    }
    if (search->newest_name_wins && rank == NAME && search->count > 0)
        return;
    if (search->count++ == 0)
        strcpy(search->uuid, uuid);
    if (search->count <= LISTED_MOST)
        buf_printf(&search->list, "%s%s%s%s%s", search->count > 1 ? ", " : "", name ? name : "", name ? " (" : "", uuid,
                   name ? ")" : "");
    else if (search->count == LISTED_MOST + 1)
        buf_puts(&search->list, ", …");
}

static bool settle(struct search *search, struct control_request *request)
{
    if (search->count == 1)
        return true;
    autobuf struct buf hint = {0};
    buf_printf(&hint, "it may be one of: %s", search->list.data ? search->list.data : "");
    if (search->wanted)
        control_refusef(request, "ambiguous", hint.data, "several dataflows match `%s`", search->wanted);
    else
        control_refusef(request, "ambiguous", hint.data,
                        "several dataflows are running: say which one by its name or id");
    return false;
}

static const char *live_name(const void *context, size_t index)
{
    const struct coordinator *coordinator = context;
    const struct flow *flow = coordinator->flows;
    for (; flow && index > 0; index--)
        flow = flow->next;
    return flow ? flow_label(flow->dataflow) : NULL;
}

static void refuse_unknown(const struct coordinator *coordinator, struct control_request *request,
                           const struct search *search)
{
    char rest[512] = "";
    if (*search->near)
        snprintf(rest, sizeof rest, "; did you mean `%s`?", search->near);
    else if (coordinator->flows) {
        suggest_rest(rest, sizeof rest, search->wanted, live_name, coordinator);
        strncat(rest, " running", sizeof rest - strlen(rest) - 1);
    }
    control_refusef(request, "not-found", "`dora list` shows all that are known", "no dataflow matches `%s`%s",
                    search->wanted, rest);
}

static bool find(struct coordinator *coordinator, struct control_request *request, const json_t *params,
                 bool also_ended, struct search *search)
{
    const json_t *wanted = json_object_get(params, "dataflow");
    if (wanted && !json_is_null(wanted) && !json_is_string(wanted)) {
        control_refusef(request, "invalid", NULL, "`dataflow` must be a name or an id");
        return false;
    }
    search->wanted = json_string_value(wanted);
    if (search->wanted && !search->wanted[0]) {
        control_refusef(request, "invalid", NULL, "the name or id of a dataflow is empty");
        return false;
    }
    for (struct flow *flow = coordinator->flows; flow; flow = flow->next)
        consider(search, flow->dataflow);
    if (search->count > 0)
        return settle(search, request);
    if (!search->wanted) {
        control_refusef(request, "not-found", "`dora start FILE` starts one; `dora list` shows those that have ended",
                        "no dataflows are running");
        return false;
    }
    struct error error = ERROR_INIT;
    search->newest_name_wins = true;
    if (store_each(coordinator->store, STORE_ENDED, STORE_BRIEF, consider, search, &error) < 0) {
        refuse_error(request, &error);
        return false;
    }
    if (search->count > 0 && !also_ended && settle(search, request)) {
        control_refusef(request, "not-found", "`dora list` shows what is running", "the dataflow `%s` has ended",
                        search->wanted);
        return false;
    }
    if (search->count == 0)
        refuse_unknown(coordinator, request, search);
    return search->count > 0 && also_ended && settle(search, request);
}

bool select_uuid(struct coordinator *coordinator, struct control_request *request, const json_t *params,
                 char uuid[UUID_TEXT])
{
    struct search search = {0};
    bool found = find(coordinator, request, params, true, &search);
    if (found)
        strcpy(uuid, search.uuid);
    buf_free(&search.list);
    return found;
}

struct flow *select_live(struct coordinator *coordinator, struct control_request *request, const json_t *params)
{
    struct search search = {0};
    bool found = find(coordinator, request, params, false, &search);
    buf_free(&search.list);
    return found ? flow_find(coordinator, search.uuid) : NULL;
}

void refuse_error(struct control_request *request, const struct error *error)
{
    control_refusef(request, error->code == -ENOENT ? "not-found" : "failed", NULL, "%s", error->message);
}

void refuse_memory(struct control_request *request)
{
    control_refusef(request, "internal", NULL, "the coordinator has no memory for this");
}
