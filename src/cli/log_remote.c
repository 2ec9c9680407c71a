#include "cli/log_remote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/json_value.h"
#include "cli/machines.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/session.h"

/* `dora logs` with the user's options, for lines that are in none of `places`. */
static json_t *words_for(const struct options *options, const char *uuid, const char *node, const char *places)
{
    json_t *words = options ? remote_words(options) : json_pack("[s, s]", "logs", "--follow");
    if (node && !options_has(options, "node"))
        remote_add(words, "--node=%s", node);
    remote_add(words, "--beside=%s", places);
    remote_add(words, "--");
    remote_add(words, "%s", uuid);
    return words;
}

_Noreturn static void run_child(pid_t parent, int out, const char *machine, json_t *words)
{
    setpgid(0, 0); /* what Ctrl-C does is our parent's affair */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || dup2(out, STDOUT_FILENO) < 0)
        _exit(COMMAND_FAILED);
    close(out);
    struct control_client *client = session_open(NULL);
    int status = client ? remote_run(client, machine, words) : COMMAND_FAILED;
    if (status != COMMAND_OK)
        report_hint("the lines of machine `%s` are missing, or end here", machine);
    _exit(status);
}

static bool start(struct log_remote *remote, const char *machine, json_t *words, struct log_files *files)
{
    int ends[2];
    struct error error = ERROR_INIT;
    pid_t *pids = reallocarray(remote->pids, remote->count + 1, sizeof *pids), parent = getpid();
    remote->pids = pids ? pids : remote->pids;
    if (!pids || !words || pipe2(ends, O_CLOEXEC) < 0) {
        report_error("can't read the lines of machine `%s`: %s", machine, strerror(pids && words ? errno : ENOMEM));
        return false;
    }
    autoclose int in = ends[0], out = ends[1];
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        run_child(parent, out, machine, words);
    if (pid < 0) {
        report_error("can't read the lines of machine `%s`: %s", machine, strerror(errno));
        return false;
    }
    pids[remote->count++] = pid;
    if (log_files_add_pipe(files, take_fd(&in), &error) == 0)
        return true;
    report_error("%s", error.message);
    return false;
}

static bool is_alive(const json_t *status, const char *machine)
{
    json_t *daemon;
    size_t i;
    json_array_foreach(json_object_get(status, "daemons"), i,
                       daemon) if (strcmp(json_text(daemon, "machine"), machine) == 0 &&
                                   json_is_true(json_object_get(daemon, "alive"))) return true;
    return false;
}

/* Machine → whether the node, or any for NULL, is there now; else it may have been there, before it moved. */
static json_t *machines_of(const json_t *dataflow, const char *node)
{
    json_t *machines = json_object(), *one;
    size_t i;
    json_array_foreach(json_object_get(dataflow, "nodes"), i, one)
    {
        const char *machine = json_text(one, "machine");
        bool is_meant = !node || strcmp(json_text(one, "id"), node) == 0;
        if (*machine && (is_meant || !json_object_get(machines, machine)))
            json_object_set_new(machines, machine, json_boolean(is_meant));
    }
    json_array_foreach(json_object_get(dataflow, "machines"), i, one)
    {
        const char *machine = json_string_value(one);
        if (machine && !json_object_get(machines, machine))
            json_object_set_new(machines, machine, json_boolean(!node));
    }
    return machines;
}

bool log_remote_start(struct log_remote *remote, struct control_client *client, const struct options *options,
                      const json_t *dataflow, const char *node, struct log_files *files)
{
    json_t *machines = machines_of(dataflow, node), *is_there,
           *status = session_call(client, "status", NULL, SESSION_PATIENCE);
    const char *here = json_text(machine_here(status), "machine"), *machine;
    autobuf struct buf places = {0};
    log_files_places(files, &places);
    bool ok = status != NULL;
    json_object_foreach(machines, machine, is_there)
    {
        if (!ok || strcmp(machine, here) == 0)
            continue;
        if (is_alive(status, machine)) {
            json_t *words = words_for(options, json_text(dataflow, "uuid"), node, places.len ? places.data : "");
            ok = start(remote, machine, words, files);
            json_decref(words);
        } else if (json_is_true(is_there)) {
            report_hint("lines may be missing that are on machine `%s`, which is out of reach", machine);
        }
    }
    json_decref(status);
    json_decref(machines);
    return ok;
}

bool log_remote_end(struct log_remote *remote, bool is_over)
{
    bool ok = true;
    for (size_t i = 0; i < remote->count; i++) {
        int status = 0;
        if (!is_over)
            kill(remote->pids[i], SIGKILL);
        while (waitpid(remote->pids[i], &status, 0) < 0 && errno == EINTR)
            ;
        ok &= !is_over || (WIFEXITED(status) && WEXITSTATUS(status) == COMMAND_OK);
    }
    free(remote->pids);
    *remote = (struct log_remote){0};
    return ok;
}
