/* Services, actions and streams: conventions on the parameters of messages. */
#include <errno.h>
#include <string.h>

#include "base/uuid.h"
#include "node/event.h"
#include "node/node.h"
#include "node/params.h"

static const char REQUEST_ID[] = "request_id", GOAL_ID[] = "goal_id", GOAL_STATUS[] = "goal_status";
static const char SESSION_ID[] = "session_id", SEGMENT_ID[] = "segment_id", SEQ[] = "seq", FIN[] = "fin",
                  FLUSH[] = "flush";
static const char *const STATUS_NAMES[] = {"succeeded", "aborted", "canceled"};

void dora_new_id(char id[DORA_ID_SIZE])
{
    _Static_assert(DORA_ID_SIZE == UUID_TEXT, "an id is a UUID");
    uuid_make(id);
}

static void free_params(dora_params **params)
{
    dora_params_free(*params);
}

#define autoparams __attribute__((cleanup(free_params))) dora_params

/* A copy with room to add to it; NULL when memory is out. */
static dora_params *copy_params(const dora_params *params)
{
    dora_params *copy = dora_params_new();
    for (size_t i = 0; copy && params && i < dora_params_count(params); i++)
        if (dora_params_set(copy, dora_params_at(params, i)) < 0) {
            dora_params_free(copy);
            return NULL;
        }
    return copy;
}

static const char *text_param(const dora_event *event, const char *key)
{
    const dora_param *param = dora_params_get(dora_event_params(event), key);
    return param && param->kind == DORA_PARAM_STRING ? param->value.string : NULL;
}

const char *dora_event_request_id(const dora_event *event)
{
    return text_param(event, REQUEST_ID);
}

const char *dora_event_goal_id(const dora_event *event)
{
    return text_param(event, GOAL_ID);
}

int dora_event_goal_status(const dora_event *event, dora_goal_status *status)
{
    const char *name = text_param(event, GOAL_STATUS);
    if (!name)
        return -ENODATA;
    *status = DORA_GOAL_ABORTED;
    for (unsigned i = 0; i <= DORA_GOAL_CANCELED; i++)
        if (strcmp(name, STATUS_NAMES[i]) == 0)
            *status = (dora_goal_status)i;
    return 0;
}

const char *dora_goal_status_name(dora_goal_status status)
{
    return (unsigned)status <= DORA_GOAL_CANCELED ? STATUS_NAMES[status] : "unknown";
}

/* Sends with one or two text parameters more; `status` may be NULL. */
static int send_with(dora_node *node, const char *output, const void *data, size_t size, const dora_params *params,
                     const char *key, const char *id, const char *status)
{
    autoparams *all = copy_params(params);
    int rc = all ? dora_params_set_string(all, key, id) : -ENOMEM;
    if (rc == 0 && status)
        rc = dora_params_set_string(all, GOAL_STATUS, status);
    if (rc < 0)
        return node_fail(node, rc, "output `%s`: can't add `%s` to the parameters", output, key);
    return dora_send(node, output, data, size, all);
}

int dora_send_request(dora_node *node, const char *output, const void *data, size_t size, const dora_params *params,
                      char id[DORA_ID_SIZE])
{
    uuid_make(id);
    return send_with(node, output, data, size, params, REQUEST_ID, id, NULL);
}

int dora_send_reply(dora_node *node, const char *output, const dora_event *request, const void *data, size_t size)
{
    if (!dora_event_request_id(request))
        return node_fail(node, -EINVAL, "output `%s`: the event to reply to has no `request_id`", output);
    return dora_send(node, output, data, size, dora_event_params(request));
}

int dora_send_goal(dora_node *node, const char *output, const void *data, size_t size, const dora_params *params,
                   char id[DORA_ID_SIZE])
{
    uuid_make(id);
    return send_with(node, output, data, size, params, GOAL_ID, id, NULL);
}

int dora_send_feedback(dora_node *node, const char *output, const char *id, const void *data, size_t size)
{
    return send_with(node, output, data, size, NULL, GOAL_ID, id, NULL);
}

int dora_send_result(dora_node *node, const char *output, const char *id, dora_goal_status status, const void *data,
                     size_t size)
{
    if ((unsigned)status > DORA_GOAL_CANCELED)
        return node_fail(node, -EINVAL, "output `%s`: %d is no status of a goal", output, (int)status);
    return send_with(node, output, data, size, NULL, GOAL_ID, id, STATUS_NAMES[status]);
}

int dora_send_cancel(dora_node *node, const char *output, const char *id)
{
    return send_with(node, output, NULL, 0, NULL, GOAL_ID, id, NULL);
}

/* ---- Waiting ---- */

static bool matches(const dora_event *event, const char *key, const char *id, bool terminal)
{
    if (dora_event_type(event) != DORA_EVENT_INPUT)
        return false;
    const char *found = text_param(event, key);
    return found && strcmp(found, id) == 0 && (!terminal || text_param(event, GOAL_STATUS));
}

/* What an event that is not the answer means for the wait: 0 to go on. */
static int verdict(const dora_event *event, const char *server)
{
    switch (dora_event_type(event)) {
    case DORA_EVENT_STOP:
        return -ECANCELED;
    case DORA_EVENT_NODE_RESTARTED:
    case DORA_EVENT_NODE_FAILED:
        return server && strcmp(dora_event_id(event), server) == 0 ? -ECONNRESET : 0;
    default:
        return 0;
    }
}

static int await(dora_node *node, const char *key, const char *id, const char *server, int64_t timeout_ns,
                 bool terminal, dora_event **out)
{
    int64_t deadline = clock_after(clock_now(), timeout_ns);
    /* The answer may have come while an earlier wait was for another. */
    for (struct notice **at = &node->deferred; *at; at = &(*at)->next)
        if (matches((*at)->event, key, id, terminal)) {
            *out = event_take_notice(at, &node->deferred_end);
            return 0;
        }
    for (;;) {
        dora_event *event;
        int64_t left = deadline == CLOCK_NEVER ? DORA_FOREVER : deadline - clock_now();
        int rc = next_event(node, &event, left > 0 ? left : 0);
        if (rc == -ETIMEDOUT || rc == -ENODATA)
            return node_fail(
                node, rc, rc == -ENODATA ? "the stream ended before the answer to `%s`" : "no answer to `%s` in time",
                id);
        if (rc < 0)
            return rc;
        if (matches(event, key, id, terminal)) {
            *out = event;
            return 0;
        }
        int result = verdict(event, server);
        rc = event_defer(&node->deferred_end, event);
        if (rc < 0)
            return node_fail(node, rc, "no memory to keep an event");
        if (result == -ECANCELED)
            return node_fail(node, result, "a Stop came before the answer to `%s`", id);
        if (result < 0)
            return node_fail(node, result, "node `%s` ended before it answered `%s`", server, id);
    }
}

int dora_await_reply(dora_node *node, const char *id, const char *server, int64_t timeout_ns, dora_event **reply)
{
    return await(node, REQUEST_ID, id, server, timeout_ns, false, reply);
}

int dora_await_result(dora_node *node, const char *id, const char *server, int64_t timeout_ns, dora_event **result,
                      dora_goal_status *status)
{
    int rc = await(node, GOAL_ID, id, server, timeout_ns, true, result);
    return rc < 0 || !status ? rc : dora_event_goal_status(*result, status);
}

/* ---- Streams ---- */

void dora_stream_begin(dora_stream *stream)
{
    *stream = (dora_stream){0};
    uuid_make(stream->session);
}

static int send_chunk(dora_node *node, const char *output, const dora_stream *stream, const void *data, size_t size,
                      bool last, bool flush)
{
    autoparams *params = dora_params_new();
    int rc = params ? dora_params_set_string(params, SESSION_ID, stream->session) : -ENOMEM;
    if (rc == 0)
        rc = dora_params_set_int(params, SEGMENT_ID, stream->segment);
    if (rc == 0)
        rc = dora_params_set_int(params, SEQ, stream->sequence);
    if (rc == 0)
        rc = dora_params_set_bool(params, FIN, last);
    if (rc == 0)
        rc = dora_params_set_bool(params, FLUSH, flush);
    return rc < 0 ? node_fail(node, rc, "output `%s`: no memory for the parameters of a chunk", output)
                  : dora_send(node, output, data, size, params);
}

int dora_stream_send(dora_node *node, const char *output, dora_stream *stream, const void *data, size_t size, bool last)
{
    int rc = send_chunk(node, output, stream, data, size, last, false);
    if (rc < 0)
        return rc;
    stream->sequence = last ? 0 : stream->sequence + 1;
    stream->segment += last;
    return 0;
}

int dora_stream_flush(dora_node *node, const char *output, dora_stream *stream, const void *data, size_t size)
{
    dora_stream next = *stream;
    next.segment++;
    next.sequence = 0;
    int rc = send_chunk(node, output, &next, data, size, false, true);
    if (rc < 0)
        return rc;
    next.sequence = 1;
    *stream = next;
    return 0;
}

static int64_t integer_param(const dora_event *event, const char *key)
{
    const dora_param *param = dora_params_get(dora_event_params(event), key);
    return param && param->kind == DORA_PARAM_INT ? param->value.integer : 0;
}

static bool bool_param(const dora_event *event, const char *key)
{
    const dora_param *param = dora_params_get(dora_event_params(event), key);
    return param && param->kind == DORA_PARAM_BOOL && param->value.boolean;
}

int dora_event_chunk(const dora_event *event, dora_chunk *chunk)
{
    const char *session = text_param(event, SESSION_ID);
    if (!session)
        return -ENODATA;
    *chunk = (dora_chunk){.session = session,
                          .segment = integer_param(event, SEGMENT_ID),
                          .sequence = integer_param(event, SEQ),
                          .last = bool_param(event, FIN),
                          .flush = bool_param(event, FLUSH)};
    return 0;
}
