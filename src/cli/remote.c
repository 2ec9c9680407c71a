#include "cli/remote.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/write.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/table.h"

/* "COLUMNS:COLORS" */
static const char VARIABLE[] = "DORA_REMOTE";

bool remote_is(void)
{
    return getenv(VARIABLE) != NULL;
}

size_t remote_columns(void)
{
    const char *text = getenv(VARIABLE);
    return text ? strtoul(text, NULL, 10) : 0;
}

bool remote_color(int fd)
{
    const char *text = getenv(VARIABLE), *colors = text ? strchr(text, ':') : NULL;
    return colors && strchr(colors, '0' + fd);
}

/* ---- What it is given ---- */

void remote_add(json_t *words, const char *format, ...)
{
    autofree char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    json_t *word = text ? json_string(text) : NULL;
    json_array_append_new(words, word ? word : json_null()); /* which is refused over there */
}

static bool is_of_here(const char *name)
{
    static const char *const names[] = {"dataflow", "coordinator-addr", "coordinator-port", "file", "local"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

json_t *remote_words(const struct options *options)
{
    json_t *words = json_array();
    const char *name = options->command->name, *space = strchr(name, ' ');
    if (space)
        remote_add(words, "%.*s", (int)(space - name), name);
    remote_add(words, "%s", space ? space + 1 : name);
    for (const struct option_spec *spec = options->command->options; spec->name; spec++) {
        const char *value = options_value(options, spec->name);
        if (is_of_here(spec->name) || !options_has(options, spec->name))
            continue;
        if (value)
            remote_add(words, "--%s=%s", spec->name, value);
        else
            remote_add(words, "--%s", spec->name);
    }
    return words;
}

void remote_add_rest(json_t *words, const json_t *dataflow, const struct options *options)
{
    if (dataflow)
        remote_add(words, "--dataflow=%s", json_string_value(dataflow));
    remote_add(words, "--");
    for (int i = 0; i < options->operand_count; i++)
        remote_add(words, "%s", options->operands[i]);
}

/* ---- Its course ---- */

/* A machine that is cut off is noticed sooner. */
#define BEGIN_PATIENCE (60 * CLOCK_SECOND)

struct course {
    struct control_client *client;
    json_int_t id;
    uint64_t asked; /* for output */
    bool is_ending;
};

static bool ask(struct course *course, const char *method, uint64_t *id, struct error *error)
{
    json_t *params = json_pack("{s:I}", "command", course->id);
    return control_client_send(course->client, method, params, id, error) == 0;
}

/* A piece of its output, which needn't be there. False: reported. */
static bool put(int fd, const json_t *piece)
{
    size_t size = 0;
    if (!piece)
        return true;
    autofree char *bytes = json_is_string(piece) ? base64_read(json_string_value(piece), &size) : NULL;
    if (!bytes) {
        report_error("what the command printed can't be read");
        return false;
    }
    int rc = write_all(fd, bytes, size);
    if (rc < 0)
        report_error("can't write to %s: %s", fd == STDOUT_FILENO ? "stdout" : "stderr", strerror(-rc));
    return rc == 0;
}

/* -1: it goes on; else its exit status, or COMMAND_FAILED, which is reported. */
static int take(struct course *course, const struct control_message *message, struct error *error)
{
    if (message->kind == CONTROL_ERROR && (message->id == course->asked || message->id == 0)) {
        session_report_fault(&message->fault, true);
        return COMMAND_FAILED;
    }
    if (message->kind != CONTROL_RESULT || message->id != course->asked)
        return -1;
    const json_t *status = json_object_get(message->body, "status");
    if (status)
        return (int)json_integer_value(status) & 0xff;
    if (!put(STDOUT_FILENO, json_object_get(message->body, "out")) ||
        !put(STDERR_FILENO, json_object_get(message->body, "err")))
        return COMMAND_FAILED;
    if (ask(course, "machine.output", &course->asked, error))
        return -1;
    session_report(course->client, error->code, error, true);
    return COMMAND_FAILED;
}

static int follow(struct course *course)
{
    struct error error = ERROR_INIT;
    bool ok = ask(course, "machine.output", &course->asked, &error);
    while (ok) {
        struct control_message message;
        int rc = control_client_next(course->client, CLOCK_NEVER, &message, &error);
        if (rc == 0) {
            int status = take(course, &message, &error);
            control_message_free(&message);
            if (status >= 0)
                return status;
        } else if (rc == -EINTR && !course->is_ending) {
            uint64_t id;
            course->is_ending = true;
            control_client_wake(course->client, -1);
            ok = ask(course, "machine.end", &id, &error);
        } else {
            ok = false;
        }
    }
    session_report(course->client, error.code, &error, true);
    return COMMAND_FAILED;
}

static json_t *terminal(void)
{
    char colors[3] = "";
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
        if (report_color(fd))
            colors[strlen(colors)] = (char)('0' + fd);
    return json_pack("{s:I, s:s}", "columns", (json_int_t)table_terminal_width(STDOUT_FILENO), "colors", colors);
}

int remote_run(struct control_client *client, const char *machine, json_t *words)
{
    json_t *params = json_pack("{s:s, s:o, s:o}", "machine", machine, "args", words, "terminal", terminal());
    if (!params) {
        report_error("out of memory");
        return COMMAND_FAILED;
    }
    fflush(stdout);
    control_client_wake(client, interrupt_fd());
    interrupt_catch();
    json_t *result = session_call(client, "machine.command", params, BEGIN_PATIENCE);
    struct course course = {.client = client, .id = json_integer_value(json_object_get(result, "command"))};
    int status = result ? follow(&course) : COMMAND_FAILED;
    json_decref(result);
    control_client_wake(client, -1);
    return status;
}
