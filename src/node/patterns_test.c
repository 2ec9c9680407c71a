#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "node/stand.h"

static const int64_t SOON = 5 * CLOCK_SECOND; /* a deadline that only a failure reaches */

/* A client and a server, joined both ways; the client also listens to the server's second output. */
static struct stand client_and_server(void)
{
    struct stand stand = {.count = 2,
                          .nodes = {{.id = "client", .inputs = {{"answer"}, {"news"}}, .outputs = {{"ask"}}},
                                    {.id = "server", .inputs = {{"ask"}}, .outputs = {{"answer"}, {"news"}}}}};
    stand_open(&stand);
    stand_link(&stand, 0, 1, &(struct link_edge){0, 0, 10, LINK_DROP_OLDEST}, 1);
    struct link_edge back[] = {{0, 0, 10, LINK_DROP_OLDEST}, {1, 1, 10, LINK_DROP_OLDEST}};
    stand_link(&stand, 1, 0, back, 2);
    stand_start(&stand);
    return stand;
}

static dora_event *expect(dora_node *node, dora_event_kind kind, const char *id)
{
    dora_event *event = NULL;
    assert_int_equal(dora_next(node, &event, SOON), 0);
    assert_int_equal(dora_event_type(event), kind);
    assert_string_equal(dora_event_id(event), id);
    return event;
}

static void a_reply_finds_its_request_and_other_events_wait(void **state)
{
    (void)state;
    struct stand stand = client_and_server();
    dora_node *client = stand.nodes[0].node, *server = stand.nodes[1].node;
    dora_params *params = dora_params_new();
    assert_int_equal(dora_params_set_int(params, "extra", 7), 0);
    char first[DORA_ID_SIZE], second[DORA_ID_SIZE];
    assert_int_equal(dora_send_request(client, "ask", "1", 1, params, first), 0);
    assert_int_equal(dora_send_request(client, "ask", "2", 1, NULL, second), 0);
    assert_int_equal(dora_params_count(params), 1);
    dora_params_free(params);
    assert_int_equal(dora_send(server, "news", "n", 1, NULL), 0);
    for (int i = 0; i < 2; i++) {
        dora_event *request = expect(server, DORA_EVENT_INPUT, "ask");
        assert_string_equal(dora_event_request_id(request), i ? second : first);
        assert_int_equal(dora_send_reply(server, "answer", request, dora_event_data(request, NULL), 1), 0);
        dora_event_free(request);
    }
    dora_event *reply;
    assert_int_equal(dora_await_reply(client, second, "server", SOON, &reply), 0);
    assert_memory_equal(dora_event_data(reply, NULL), "2", 1);
    dora_event_free(reply);
    assert_int_equal(dora_await_reply(client, first, "server", SOON, &reply), 0);
    assert_int_equal(dora_params_get(dora_event_params(reply), "extra")->value.integer, 7);
    dora_event_free(reply);
    dora_event_free(expect(client, DORA_EVENT_INPUT, "news"));
    dora_event *none;
    assert_int_equal(dora_next(client, &none, 0), -ETIMEDOUT);
    stand_close(&stand);
}

static void a_lost_request_is_told_from_a_late_one(void **state)
{
    (void)state;
    struct stand stand = client_and_server();
    dora_node *client = stand.nodes[0].node;
    char id[DORA_ID_SIZE];
    dora_event *reply;
    assert_int_equal(dora_send_request(client, "ask", NULL, 0, NULL, id), 0);
    assert_int_equal(dora_await_reply(client, id, "server", CLOCK_MILLI, &reply), -ETIMEDOUT);
    stand_tell(&stand, 0, (struct proto_packet){.type = PROTO_NODE_RESTARTED, .text = {"other"}, .text_count = 1});
    assert_int_equal(dora_await_reply(client, id, "server", CLOCK_MILLI, &reply), -ETIMEDOUT);
    stand_tell(&stand, 0, (struct proto_packet){.type = PROTO_NODE_RESTARTED, .text = {"server"}, .text_count = 1});
    assert_int_equal(dora_await_reply(client, id, "server", SOON, &reply), -ECONNRESET);
    assert_non_null(strstr(dora_node_error(client), "node `server` ended before it answered"));
    stand_tell(&stand, 0, (struct proto_packet){.type = PROTO_STOP});
    assert_int_equal(dora_await_reply(client, id, "server", SOON, &reply), -ECANCELED);
    assert_int_equal(dora_await_reply(client, id, "server", SOON, &reply), -ENODATA);
    dora_event_free(expect(client, DORA_EVENT_NODE_RESTARTED, "other"));
    dora_event_free(expect(client, DORA_EVENT_NODE_RESTARTED, "server"));
    dora_event_free(expect(client, DORA_EVENT_STOP, "MANUAL"));
    dora_event *none;
    assert_int_equal(dora_next(client, &none, SOON), -ENODATA);
    stand_close(&stand);
}

static void a_goal_has_feedback_and_a_result(void **state)
{
    (void)state;
    struct stand stand = client_and_server();
    dora_node *client = stand.nodes[0].node, *server = stand.nodes[1].node;
    char id[DORA_ID_SIZE];
    assert_int_equal(dora_send_goal(client, "ask", "far", 3, NULL, id), 0);
    dora_event *goal = expect(server, DORA_EVENT_INPUT, "ask");
    assert_string_equal(dora_event_goal_id(goal), id);
    assert_int_equal(dora_send_feedback(server, "news", dora_event_goal_id(goal), "half", 4), 0);
    assert_int_equal(dora_send_cancel(client, "ask", id), 0);
    dora_event *cancel = expect(server, DORA_EVENT_INPUT, "ask");
    assert_string_equal(dora_event_goal_id(cancel), id);
    dora_event_free(cancel);
    assert_int_equal(dora_send_result(server, "answer", dora_event_goal_id(goal), DORA_GOAL_CANCELED, "end", 3), 0);
    dora_event_free(goal);
    dora_event *result;
    dora_goal_status status;
    assert_int_equal(dora_await_result(client, id, NULL, SOON, &result, &status), 0);
    assert_int_equal(status, DORA_GOAL_CANCELED);
    assert_memory_equal(dora_event_data(result, NULL), "end", 3);
    assert_int_equal(dora_event_goal_status(result, &status), 0);
    assert_string_equal(dora_goal_status_name(status), "canceled");
    dora_event_free(result);
    dora_event *feedback = expect(client, DORA_EVENT_INPUT, "news");
    assert_int_equal(dora_event_goal_status(feedback, &status), -ENODATA);
    dora_event_free(feedback);
    assert_int_equal(dora_send_result(server, "answer", id, 7, NULL, 0), -EINVAL);
    stand_close(&stand);
}

static void assert_chunk(const dora_event *event, const dora_stream *stream, int64_t segment, int64_t sequence,
                         bool last, bool flush)
{
    dora_chunk chunk;
    assert_int_equal(dora_event_chunk(event, &chunk), 0);
    assert_string_equal(chunk.session, stream->session);
    assert_int_equal(chunk.segment, segment);
    assert_int_equal(chunk.sequence, sequence);
    assert_int_equal(chunk.last, last);
    assert_int_equal(chunk.flush, flush);
}

static void a_stream_counts_and_a_flush_drops_what_is_queued(void **state)
{
    (void)state;
    struct stand stand = client_and_server();
    dora_node *client = stand.nodes[0].node, *server = stand.nodes[1].node;
    dora_stream stream;
    dora_stream_begin(&stream);
    assert_int_equal(dora_stream_send(server, "news", &stream, "a", 1, false), 0);
    assert_int_equal(dora_stream_send(server, "news", &stream, "b", 1, true), 0);
    for (int i = 0; i < 2; i++) {
        dora_event *chunk = expect(client, DORA_EVENT_INPUT, "news");
        assert_chunk(chunk, &stream, 0, i, i, false);
        dora_event_free(chunk);
    }
    assert_int_equal(dora_stream_send(server, "news", &stream, "too old", 7, false), 0);
    assert_int_equal(dora_stream_flush(server, "news", &stream, "new", 3), 0);
    dora_event *chunk = expect(client, DORA_EVENT_INPUT, "news");
    assert_memory_equal(dora_event_data(chunk, NULL), "new", 3);
    assert_chunk(chunk, &stream, 2, 0, false, true);
    dora_event_free(chunk);
    assert_int_equal(dora_send(server, "news", "x", 1, NULL), 0);
    chunk = expect(client, DORA_EVENT_INPUT, "news");
    assert_int_equal(dora_event_chunk(chunk, &(dora_chunk){0}), -ENODATA);
    dora_event_free(chunk);
    dora_params *params = dora_params_new();
    assert_int_equal(dora_params_set_string(params, "session_id", stream.session), 0);
    assert_int_equal(dora_params_set_string(params, "seq", "7"), 0);
    assert_int_equal(dora_send(server, "news", "x", 1, params), 0);
    dora_params_free(params);
    chunk = expect(client, DORA_EVENT_INPUT, "news");
    assert_chunk(chunk, &stream, 0, 0, false, false);
    dora_event_free(chunk);
    stand_close(&stand);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_finds_its_request_and_other_events_wait),
        cmocka_unit_test(a_lost_request_is_told_from_a_late_one),
        cmocka_unit_test(a_goal_has_feedback_and_a_result),
        cmocka_unit_test(a_stream_counts_and_a_flush_drops_what_is_queued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
