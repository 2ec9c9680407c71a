/* Commands of dora's that run here for somebody on another machine (docs/machines.md). */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/parts.h"
#include "agent/remote_check.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "daemon/descendants.h"
#include "daemon/spawn.h"

enum { REMOTES_MOST = 32, PIECE = 64 << 10 };
static const int64_t patience = 3 * CLOCK_SECOND;

struct remote {
    struct agent *agent;
    struct remote *next;
    json_int_t id;
    struct spared process;
    struct watch *ended, *out, *err; /* NULL: it has ended, and what it printed was given */
    struct control_request *wanted;  /* to be answered with what it prints; NULL: nobody waits */
    struct alarm *kill;              /* before it is killed */
    bool is_ending, is_forgotten;
};

static struct remote *find(const struct agent *agent, json_t *params)
{
    json_int_t id = json_integer_value(json_object_get(params, "command"));
    struct remote *remote = agent->remotes;
    while (remote && (remote->id != id || remote->is_forgotten))
        remote = remote->next;
    return remote;
}

static void remote_free(struct remote *remote)
{
    struct remote **at = &remote->agent->remotes;
    while (*at && *at != remote)
        at = &(*at)->next;
    if (*at)
        *at = remote->next;
    daemon_spare_no_more(remote->agent->daemon, &remote->process);
    if (remote->wanted)
        control_refusef(remote->wanted, "failed", NULL, "the daemon has ended");
    watch_close(remote->ended);
    watch_close(remote->out);
    watch_close(remote->err);
    alarm_close(remote->kill);
    free(remote);
}

/* ---- What it prints ---- */

/* What is in the pipe, as Base64; NULL: nothing now. */
static json_t *take(struct watch **pipe, bool is_last)
{
    char piece[PIECE];
    ssize_t len;
    if (!*pipe)
        return NULL;
    do
        len = read(watch_fd(*pipe), piece, sizeof piece);
    while (len < 0 && errno == EINTR);
    if (len > 0) {
        autofree char *text = base64_write(piece, (size_t)len);
        return text ? json_string(text) : json_null(); /* no memory: which the asker notices */
    }
    if (len == 0 || errno != EAGAIN || is_last)
        watch_close(take_ptr(*pipe));
    return NULL;
}

static void put(json_t *result, const char *key, json_t *text)
{
    if (text)
        json_object_set_new(result, key, text);
}

/* Answers who waits, if there is something to say. The pipes are looked at only while somebody does. */
static void give(struct remote *remote)
{
    bool has_ended = remote->process.is_reaped;
    if (remote->wanted) {
        json_t *result = json_object();
        put(result, "out", take(&remote->out, has_ended));
        put(result, "err", take(&remote->err, has_ended));
        if (json_object_size(result) > 0) {
            control_answer(take_ptr(remote->wanted), result);
        } else if (has_ended && !remote->out && !remote->err) {
            int status = remote->process.status;
            json_object_set_new(result, "status",
                                json_integer(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)));
            control_answer(take_ptr(remote->wanted), result);
            remote_free(remote);
            return;
        } else {
            json_decref(result);
        }
    }
    int events = remote->wanted ? UV_READABLE : 0;
    if (remote->out)
        watch_events(remote->out, events);
    if (remote->err)
        watch_events(remote->err, events);
}

static void on_pipe(void *context, int events)
{
    (void)events;
    give(context);
}

/* ---- Its end ---- */

static void on_ended(void *context, int events)
{
    struct remote *remote = context;
    (void)events;
    /* The daemon's own look at its children may have been first, and has noted it then. */
    int status = SIGKILL;
    if (!remote->process.is_reaped && waitpid(remote->process.pid, &status, WNOHANG) == 0)
        return;
    if (!remote->process.is_reaped)
        remote->process.status = status;
    remote->process.is_reaped = true;
    daemon_spare_no_more(remote->agent->daemon, &remote->process);
    watch_close(take_ptr(remote->ended));
    alarm_clear(remote->kill);
    if (remote->is_forgotten)
        remote_free(remote);
    else
        give(remote);
}

static void on_patience(void *context)
{
    struct remote *remote = context;
    if (!remote->process.is_reaped)
        kill(remote->process.pid, SIGKILL);
}

static void end(struct remote *remote)
{
    if (remote->process.is_reaped)
        return;
    kill(remote->process.pid, SIGINT);
    if (!remote->is_ending)
        alarm_set(remote->kill, patience);
    remote->is_ending = true;
}

/* Nobody will ask any more. */
static void forget(struct remote *remote)
{
    if (remote->wanted)
        control_refusef(take_ptr(remote->wanted), "lost", NULL, "the command was told to end");
    watch_close(take_ptr(remote->out));
    watch_close(take_ptr(remote->err));
    remote->is_forgotten = true;
    end(remote);
    if (!remote->ended)
        remote_free(remote);
}

void remote_forget_all(struct agent *agent)
{
    struct remote *next;
    for (struct remote *remote = agent->remotes; remote; remote = next) {
        next = remote->next;
        if (!remote->is_forgotten)
            forget(remote);
    }
}

void remote_close_all(struct agent *agent)
{
    while (agent->remotes) {
        struct remote *remote = agent->remotes;
        if (!remote->process.is_reaped) {
            kill(remote->process.pid, SIGKILL);
            waitpid(remote->process.pid, NULL, 0);
        }
        remote_free(remote);
    }
}

/* ---- Its beginning ---- */

/* This process's environment without what would change what the command prints, and with the asker's terminal. */
static char **environment(char *terminal)
{
    static const char *const without[] = {"DORA_REMOTE=",     "DORA_LOG_LEVEL=",        "DORA_LOG_FORMAT=",
                                          "DORA_LOG_FILTER=", "DORA_COORDINATOR_ADDR=", "DORA_NODE_CONFIG="};
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    char **list = calloc(count + 2, sizeof *list);
    for (size_t i = 0; list && i < count; i++) {
        bool is_kept = true;
        for (size_t k = 0; k < sizeof without / sizeof *without; k++)
            is_kept &= strncmp(environ[i], without[k], strlen(without[k])) != 0;
        if (is_kept)
            list[kept++] = environ[i];
    }
    if (list)
        list[kept] = terminal;
    return list;
}

static int start(struct remote *remote, char *const *words, const char *terminal, struct error *error)
{
    char variable[sizeof "DORA_REMOTE=" + REMOTE_TERMINAL_MOST] = "DORA_REMOTE=";
    struct spawned spawned;
    strcat(variable, terminal);
    autofree char **env = environment(variable);
    if (!env)
        return error_set(error, -ENOMEM, "no memory for a command");
    /* Of the child that is to be: it is the same program, also where its file has been replaced. */
    const struct spawn_program program = {"/proc/self/exe", words, env, "/"};
    int rc = spawn_program(&program, &spawned, error);
    if (rc < 0)
        return rc;
    uv_loop_t *loop = remote->agent->loop;
    remote->process.pid = spawned.pid;
    daemon_spare(remote->agent->daemon, &remote->process);
    rc = watch_open(&remote->ended, loop, spawned.pid_fd, UV_READABLE, on_ended, remote, error);
    int out = watch_open(&remote->out, loop, spawned.out_fd, 0, on_pipe, remote, error);
    int err = watch_open(&remote->err, loop, spawned.err_fd, 0, on_pipe, remote, error);
    rc = rc < 0 ? rc : out < 0 ? out : err;
    if (rc < 0) {
        kill(spawned.pid, SIGKILL);
        waitpid(spawned.pid, NULL, 0);
    }
    return rc;
}

static int begin(struct agent *agent, json_t *params, struct error *error)
{
    autofree char **words = NULL;
    char terminal[REMOTE_TERMINAL_MOST];
    size_t count = 0;
    for (const struct remote *remote = agent->remotes; remote; remote = remote->next)
        count++;
    int rc = remote_check_args(json_object_get(params, "args"), &words, error);
    if (rc == 0)
        rc = remote_check_terminal(json_object_get(params, "terminal"), terminal, error);
    if (rc < 0)
        return rc;
    if (!json_is_integer(json_object_get(params, "command")) || find(agent, params))
        return error_set(error, -EINVAL, "`command` must be a number of its own");
    if (count >= REMOTES_MOST)
        return error_set(error, -EBUSY, "%d commands for other machines run on machine `%s` already", REMOTES_MOST,
                         agent->options.machine);
    struct remote *remote = calloc(1, sizeof *remote);
    if (!remote)
        return error_set(error, -ENOMEM, "no memory for a command");
    remote->agent = agent;
    remote->id = json_integer_value(json_object_get(params, "command"));
    remote->next = agent->remotes;
    agent->remotes = remote;
    rc = alarm_open(&remote->kill, agent->loop, on_patience, remote, error);
    if (rc == 0)
        rc = start(remote, words, terminal, error);
    if (rc < 0)
        remote_free(remote);
    return rc;
}

/* ---- Methods ---- */

void agent_remote(struct agent *agent, struct control_request *request, const char *method, json_t *params)
{
    struct error error = ERROR_INIT;
    if (strcmp(method, "machine.command") == 0) {
        if (begin(agent, params, &error) < 0)
            agent_refuse(request, &error);
        else
            control_answer(request, json_pack("{s:O}", "command", json_object_get(params, "command")));
        return;
    }
    struct remote *remote = find(agent, params);
    if (!remote) {
        control_refusef(request, "not-found", NULL, "no such command runs here");
    } else if (strcmp(method, "machine.end") == 0) {
        if (json_is_true(json_object_get(params, "forget")))
            forget(remote);
        else
            end(remote);
        control_answer(request, json_object());
    } else if (remote->wanted) {
        control_refusef(request, "exists", NULL, "what the command prints is waited for already");
    } else {
        remote->wanted = request;
        give(remote);
    }
}
