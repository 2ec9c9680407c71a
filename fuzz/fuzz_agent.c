/* What a coordinator may ask the daemon for: each line of the input is a method and its params. They meet a dataflow of
 * dynamic nodes, which has started although no process takes part. What would start processes is left out: their
 * descriptors are fuzz_descriptor's. Every request must be answered by a message of the protocol. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/parts.h"
#include "agent/remote_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char uuid[] = "0-0-0", other[] = "1-1-1";
static const char yaml[] =
    "nodes:\n"
    "  - {id: a, path: dynamic, outputs: [x, y], inputs: {tick: dora/timer/secs/1}}\n"
    "  - {id: b, path: dynamic, outputs: [z], inputs: {x: a/x, y: {source: a/y, queue_size: 3}}}\n"
    "  - {id: c, path: dynamic, inputs: {z: b/z, logs: dora/logs}}\n";

static uv_loop_t loop;
static struct agent *agent;
static int coordinator;
static struct control_lines lines;
static unsigned asked, answered;

static void must(bool is_so, const char *what)
{
    if (!is_so) {
        fprintf(stderr, "fuzz_agent: %s\n", what);
        abort();
    }
}

static void say(struct buf *line)
{
    must(!line->failed && write(coordinator, line->data, line->len) == (ssize_t)line->len, "a full socket");
    buf_free(line);
}

/* Takes what the daemon says: answers are counted, requests answered. */
static void hear(void)
{
    for (;;) {
        size_t room, len;
        char *to = control_lines_room(&lines, &room), *text;
        ssize_t got = to ? read(coordinator, to, room) : -1;
        if (got <= 0)
            return;
        control_lines_arrived(&lines, (size_t)got);
        while (control_lines_next(&lines, &text, &len) == 1) {
            struct control_message message;
            must(control_parse(&message, text, len) == 0, "an answer that is no message");
            if (message.kind == CONTROL_REQUEST) {
                struct buf line = {0};
                control_write_result(&line, message.id, NULL);
                say(&line);
            }
            answered += message.kind == CONTROL_RESULT || message.kind == CONTROL_ERROR;
            control_message_free(&message);
        }
    }
}

static void turn(void)
{
    uv_run(&loop, UV_RUN_NOWAIT);
    hear();
}

static void ask(const char *method, json_t *params)
{
    struct buf line = {0};
    if (control_write_request(&line, ++asked, method, params) < 0)
        asked--;
    else
        say(&line);
    json_decref(params);
}

static void begin(void)
{
    static char path[64];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct buf hello = {0};
    snprintf(path, sizeof path, "/tmp/dora-fuzz-agent-%d", (int)getpid());
    strcpy(address.sun_path, path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(listener, (void *)&address, sizeof address) == 0 && listen(listener, 1) == 0, "can't listen");
    static struct agent_options options = {.machine = "here"};
    options.socket = path;
    must(uv_loop_init(&loop) == 0 && agent_open(&agent, &loop, &options, NULL) == 0, "can't open an agent");
    while (!agent->coordinator)
        uv_run(&loop, UV_RUN_NOWAIT);
    coordinator = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    close(listener);
    unlink(path);
    control_write_hello(&hello, "coordinator", "0");
    say(&hello);
    while (!agent->is_registered)
        turn();
}

/* What the daemon would start: never anything but dora's own words. */
static void check_command(const json_t *params)
{
    char **words = NULL, terminal[REMOTE_TERMINAL_MOST];
    struct error error = ERROR_INIT;
    if (remote_check_args(json_object_get(params, "args"), &words, &error) == 0)
        must(strcmp(words[0], "dora") == 0 &&
                 (strcmp(words[1], "topic") == 0 || strcmp(words[1], "trace") == 0 || strcmp(words[1], "logs") == 0),
             "another command");
    free(words);
    if (remote_check_terminal(json_object_get(params, "terminal"), terminal, &error) == 0)
        must(strlen(terminal) < sizeof terminal, "a terminal without an end");
}

/* One line: "METHOD {…}". */
static void ask_line(const char *text, size_t len)
{
    static const char *const others[] = {"dataflow.start", "node.add", "node.replace", "shutdown"};
    const char *space = memchr(text, ' ', len);
    char method[32] = "";
    if (!space || (size_t)(space - text) >= sizeof method)
        return;
    memcpy(method, text, (size_t)(space - text));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(method, others[i]) == 0)
            return;
    json_t *params = json_loadb(space + 1, len - (size_t)(space + 1 - text), 0, NULL);
    if (!json_is_object(params) || strspn(method, "abcdefghijklmnopqrstuvwxyz.") != (size_t)(space - text)) {
        json_decref(params);
        return;
    }
    if (strcmp(method, "machine.command") == 0) {
        check_command(params);
        json_decref(params);
        return;
    }
    const char *named = json_string_value(json_object_get(params, "dataflow"));
    if (!named || strcmp(named, other) == 0)
        json_object_set_new(params, "dataflow", json_string(uuid));
    ask(method, params);
    turn();
}

static void start(const char *id)
{
    ask("dataflow.start",
        json_pack("{s:s, s:s, s:s, s:s}", "yaml", yaml, "path", "x.yml", "directory", "/tmp", "uuid", id));
    while (!agent->runs || strcmp(agent->runs->uuid, id) != 0 || !agent->runs->dataflow->has_started)
        turn();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!agent) {
        begin();
        start(other); /* at the end of the last dataflow the daemon looks through all processes, which takes its time */
    }
    asked = answered = 0;
    start(uuid);
    const char *at = (const char *)data, *end = at + size;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((newline ? newline : end) - at);
        ask_line(at, len < 4096 ? len : 4096);
        at += len + 1;
    }
    for (struct run *run = agent->runs; run; run = run->next)
        if (run->dataflow && strcmp(run->uuid, uuid) == 0)
            dataflow_kill(run->dataflow);
    while (agent->runs->next || answered < asked)
        turn();
    return 0;
}
