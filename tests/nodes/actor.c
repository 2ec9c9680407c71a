/* A node that does what its arguments say, one after the other. `join` comes before what needs dora.
 *
 *     join, join=ID          joins the dataflow (as its dynamic node ID); exits with 1 when it can't
 *     send=OUT:COUNT:SIZE[:MS]   numbered messages with a content that can be checked, MS apart; numbers go on from the
 *                            last `send`
 *     loan=OUT:SIZE          one message of a loan that only its first page is written of; prints how that went
 *     flood=OUT:SIZE         as fast as possible until Stop
 *     try=OUT:SIZE           sends one message and prints the result and the library's own words
 *     param=KEY:TYPE:VALUE   a parameter of what is sent from here on; TYPE: bool, int, float, string; `plain`: none
 *     close=OUT              closes the output
 *     quiet, bare, work=US, show=params, show=timestamp, echo=OUT   how to listen, from here on (listen.h)
 *     listen, listen=N       receives until the stream's end, or N messages and ticks
 *     next=MS                waits for an event and prints its name or what came instead
 *     wait                   receives and says nothing
 *     leave                  leaves the dataflow
 *     say=TEXT cry=TEXT      prints on stdout, stderr; log=LEVEL:TEXT through the library
 *     print=BYTES            so many bytes in lines
 *     env=NAME cwd pid cores restarts descriptor   prints that
 *     touch=PATH gate=PATH   makes a file; waits until there is one
 *     ignore=SIGNAL          no longer dies of it, by number
 *     family                 leaves a grandchild in a session of its own that ignores SIGTERM
 *     child                  forks a child that sends on its parent's node, and prints what it gets for it
 *     hang                   does nothing for ever; crash: SIGSEGV; exit=CODE; raise=SIGNAL
 *     @N:VERB                only in the N-th run of a node that is restarted, from 0
 */
#include <dora/dora.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "listen.h"
#include "pattern.h"

struct actor {
    dora_node *node;
    dora_params *params;
    struct listening how;
    uint64_t number; /* of the next message */
};

static const char *const event_names[] = {"stop",      "input",  "closed",  "recovered", "failed",
                                          "restarted", "update", "deleted", "reload",    "error"};

static void fail(const struct actor *actor, const char *what, int code)
{
    fprintf(stderr, "%s: %s: %s\n", what, strerror(-code), actor->node ? dora_node_error(actor->node) : "");
    exit(1);
}

static void join_dataflow(struct actor *actor, const char *id)
{
    dora_node_options options = {.node_id = id};
    dora_error error;
    if (dora_node_open(&actor->node, &options, &error) < 0) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
}

static int send_one(struct actor *actor, const char *output, size_t size)
{
    dora_sample *sample;
    int rc = dora_loan(actor->node, size, &sample);
    if (rc < 0)
        return rc;
    pattern_fill(dora_sample_data(sample), size, actor->number++);
    return dora_send_sample(actor->node, output, sample, NULL, actor->params);
}

static void send_many(struct actor *actor, const char *output, long count, size_t size, unsigned pause_ms)
{
    for (long i = 0; i < count; i++) {
        int rc = send_one(actor, output, size);
        if (rc == -ECANCELED)
            return;
        if (rc < 0)
            fail(actor, "send", rc);
        if (pause_ms)
            usleep(pause_ms * 1000);
    }
}

static void flood(struct actor *actor, const char *output, size_t size)
{
    dora_event *event;
    int rc;
    while ((rc = dora_next(actor->node, &event, 0)) != -ENODATA) {
        if (rc == 0)
            dora_event_free(event);
        rc = send_one(actor, output, size);
        if (rc < 0 && rc != -ECANCELED)
            fail(actor, "flood", rc);
    }
}

static void loan(struct actor *actor, const char *output, size_t size)
{
    dora_sample *sample;
    int rc = dora_loan(actor->node, size, &sample);
    if (rc < 0) {
        printf("loan: %s: %s\n", strerror(-rc), dora_node_error(actor->node));
        return;
    }
    pattern_fill(dora_sample_data(sample), size < 4096 ? size : 4096, 0);
    rc = dora_send_sample(actor->node, output, sample, NULL, NULL);
    printf("loan: %s\n", rc < 0 ? dora_node_error(actor->node) : "sent");
}

static void try_send(struct actor *actor, const char *output, size_t size)
{
    void *data = calloc(1, size + 1);
    int rc = dora_send(actor->node, output, data, size, actor->params);
    free(data);
    printf("try: %s: %s\n", strerror(-rc), rc < 0 ? dora_node_error(actor->node) : "");
}

static void set_param(struct actor *actor, char *text)
{
    char *kind = strchr(text, ':');
    char *value = kind ? strchr(kind + 1, ':') : NULL;
    if (!value)
        fail(actor, text, -EINVAL);
    *kind++ = *value++ = '\0';
    if (!actor->params)
        actor->params = dora_params_new();
    int rc = strcmp(kind, "bool") == 0    ? dora_params_set_bool(actor->params, text, strcmp(value, "true") == 0)
             : strcmp(kind, "int") == 0   ? dora_params_set_int(actor->params, text, strtoll(value, NULL, 10))
             : strcmp(kind, "float") == 0 ? dora_params_set_float(actor->params, text, strtod(value, NULL))
                                          : dora_params_set_string(actor->params, text, value);
    if (rc < 0)
        fail(actor, text, rc);
}

static void next(struct actor *actor, long timeout_ms)
{
    dora_event *event;
    int rc = dora_next(actor->node, &event, timeout_ms * 1000000);
    if (rc < 0) {
        printf("next: %s\n", strerror(-rc));
        return;
    }
    printf("next: %s %s\n", event_names[dora_event_type(event)], dora_event_id(event));
    dora_event_free(event);
}

static void wait_for_end(struct actor *actor)
{
    dora_event *event;
    while (dora_next(actor->node, &event, DORA_FOREVER) == 0)
        dora_event_free(event);
}

static void log_line(struct actor *actor, char *text)
{
    static const char *const levels[] = {"error", "warn", "info", "debug", "trace"};
    char *message = strchr(text, ':');
    *message++ = '\0';
    for (int level = DORA_LOG_ERROR; level <= DORA_LOG_TRACE; level++)
        if (strcmp(levels[level], text) == 0)
            dora_log_message(actor->node, (dora_log_level)level, message);
}

static void print_bytes(size_t count)
{
    static const char line[] =
        "a line of many that no one will ever read, which make up their number with their length\n";
    const size_t len = sizeof line - 1;
    for (size_t done = 0; done < count; done += len)
        fwrite(line, 1, count - done < len ? count - done : len, stdout);
}

static void print_cores(void)
{
    cpu_set_t cores;
    sched_getaffinity(0, sizeof cores, &cores);
    printf("cores");
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &cores))
            printf(" %d", i);
    putchar('\n');
}

static void wait_for_file(const char *path)
{
    while (access(path, F_OK) < 0)
        usleep(2000);
}

static void leave_family(void)
{
    if (fork() > 0)
        return;
    setsid();
    if (fork() > 0)
        _exit(0);
    signal(SIGTERM, SIG_IGN);
    for (;;)
        pause();
}

static void send_from_child(struct actor *actor)
{
    pid_t pid = fork();
    if (pid == 0) {
        int rc = dora_send(actor->node, dora_output_name(actor->node, 0), "x", 1, NULL);
        printf("child: %s\n", strerror(-rc));
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

/* What needs no dora; false for other verbs. */
static bool act_alone(const char *verb, const char *value)
{
    long number = value ? strtol(value, NULL, 10) : 0;
    if (strcmp(verb, "say") == 0)
        puts(value);
    else if (strcmp(verb, "cry") == 0)
        fprintf(stderr, "%s\n", value);
    else if (strcmp(verb, "print") == 0)
        print_bytes((size_t)number);
    else if (strcmp(verb, "env") == 0)
        printf("%s=%s\n", value, getenv(value) ? getenv(value) : "(unset)");
    else if (strcmp(verb, "cwd") == 0)
        printf("%s\n", getcwd((char[4096]){""}, 4096));
    else if (strcmp(verb, "pid") == 0)
        printf("pid %d\n", getpid());
    else if (strcmp(verb, "cores") == 0)
        print_cores();
    else if (strcmp(verb, "touch") == 0)
        close(open(value, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
    else if (strcmp(verb, "gate") == 0)
        wait_for_file(value);
    else if (strcmp(verb, "ignore") == 0)
        signal((int)number, SIG_IGN);
    else if (strcmp(verb, "family") == 0)
        leave_family();
    else if (strcmp(verb, "exit") == 0)
        exit((int)number);
    else if (strcmp(verb, "raise") == 0)
        raise((int)number);
    else if (strcmp(verb, "crash") == 0)
        signal(SIGSEGV, SIG_DFL), raise(SIGSEGV);
    else
        return false;
    return true;
}

static bool configure(struct actor *actor, const char *verb, char *value)
{
    if (strcmp(verb, "quiet") == 0)
        actor->how.is_quiet = true;
    else if (strcmp(verb, "bare") == 0)
        actor->how.is_bare = true;
    else if (strcmp(verb, "work") == 0)
        actor->how.work_us = (unsigned)strtoul(value, NULL, 10);
    else if (strcmp(verb, "show") == 0)
        *(strcmp(value, "params") == 0 ? &actor->how.shows_params : &actor->how.shows_timestamp) = true;
    else if (strcmp(verb, "echo") == 0)
        actor->how.echo = value;
    else if (strcmp(verb, "param") == 0)
        set_param(actor, value);
    else if (strcmp(verb, "plain") == 0)
        dora_params_free(actor->params), actor->params = NULL;
    else
        return false;
    return true;
}

/* OUT:A:B:C as the output's name and numbers, 0 where there is none. */
static void act_output(struct actor *actor, const char *verb, char *value)
{
    long long numbers[3] = {0};
    const char *output = strsep(&value, ":");
    for (int i = 0; i < 3 && value; i++)
        numbers[i] = strtoll(strsep(&value, ":"), NULL, 10);
    if (strcmp(verb, "send") == 0)
        send_many(actor, output, (long)numbers[0], (size_t)numbers[1], (unsigned)numbers[2]);
    else if (strcmp(verb, "loan") == 0)
        loan(actor, output, (size_t)numbers[0]);
    else if (strcmp(verb, "flood") == 0)
        flood(actor, output, (size_t)numbers[0]);
    else if (strcmp(verb, "try") == 0)
        try_send(actor, output, (size_t)numbers[0]);
    else
        fail(actor, verb, -EINVAL);
}

static void act(struct actor *actor, const char *verb, char *value)
{
    int rc = 0;
    if (strcmp(verb, "join") == 0)
        join_dataflow(actor, value);
    else if (strcmp(verb, "listen") == 0) {
        actor->how.most = value ? strtol(value, NULL, 10) : 0;
        rc = listen_run(actor->node, &actor->how);
    } else if (strcmp(verb, "wait") == 0)
        wait_for_end(actor);
    else if (strcmp(verb, "next") == 0)
        next(actor, strtol(value, NULL, 10));
    else if (strcmp(verb, "log") == 0)
        log_line(actor, value);
    else if (strcmp(verb, "child") == 0)
        send_from_child(actor);
    else if (strcmp(verb, "restarts") == 0)
        printf("run %u\n", dora_restart_count(actor->node));
    else if (strcmp(verb, "descriptor") == 0)
        puts(dora_dataflow_descriptor(actor->node));
    else if (strcmp(verb, "close") == 0)
        rc = dora_close_output(actor->node, value);
    else if (strcmp(verb, "leave") == 0) {
        dora_node_close(actor->node);
        actor->node = NULL;
    } else if (strcmp(verb, "hang") == 0)
        for (;;)
            pause();
    else
        act_output(actor, verb, value);
    if (rc < 0)
        fail(actor, verb, rc);
}

int main(int argc, char **argv)
{
    struct actor actor = {0};
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        char *verb = argv[i];
        if (verb[0] == '@') {
            unsigned long run = strtoul(verb + 1, &verb, 10);
            if (!actor.node || dora_restart_count(actor.node) != run)
                continue;
            verb++;
        }
        char *value = strchr(verb, '=');
        if (value)
            *value++ = '\0';
        if (!act_alone(verb, value) && !configure(&actor, verb, value))
            act(&actor, verb, value);
    }
    dora_params_free(actor.params);
    dora_node_close(actor.node);
    return 0;
}
