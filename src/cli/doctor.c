/* `dora doctor`: does this machine have what dora needs? */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/findings.h"
#include "cli/json_value.h"
#include "cli/machine_options.h"
#include "cli/machines.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/table.h"
#include "control/paths.h"
#include "control/standing.h"
#include "coordinator/store.h"
#include "proto/proto.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

enum grade { FINE, WARNING, FAULT };

/* One thing that was looked at, in a finding's own words. */
struct finding {
    enum grade grade;
    char text[1200];
    char hint[256];
};

enum { FILES_WANTED = 4096 };

static void check_versions(struct finding *finding)
{
    snprintf(finding->text, sizeof finding->text, "dora %s; wire %d, control %d, state %d", DORA_VERSION, PROTO_VERSION,
             CONTROL_PROTOCOL, STORE_FORMAT);
}

static void fault(struct finding *finding, const char *text, const char *hint)
{
    finding->grade = FAULT;
    snprintf(finding->text, sizeof finding->text, "%s", text);
    snprintf(finding->hint, sizeof finding->hint, "%.255s", hint);
}

static void check_runtime_folder(struct finding *finding)
{
    struct error error = ERROR_INIT;
    char path[PATH_MAX];
    if (control_runtime_folder(path, &error) < 0)
        fault(finding, error.message, "set XDG_RUNTIME_DIR to a folder of yours with mode 0700");
    else
        snprintf(finding->text, sizeof finding->text, "%.1000s", path);
}

static void check_state_folder(struct finding *finding)
{
    struct error error = ERROR_INIT;
    char path[PATH_MAX], text[256];
    if (control_state_folder(path, &error) < 0) {
        fault(finding, error.message, "set XDG_STATE_HOME to a folder that you can write to");
    } else if (access(path, W_OK | X_OK) < 0) {
        snprintf(text, sizeof text, "can't write to %.200s: %s", path, strerror(errno));
        fault(finding, text, "set XDG_STATE_HOME to a folder that you can write to");
    } else {
        snprintf(finding->text, sizeof finding->text, "%.1000s", path);
    }
}

static void check_coordinator(struct finding *finding, struct control_client **client)
{
    struct error error = ERROR_INIT;
    int rc = control_connect(client, DORA_VERSION, &error);
    if (rc == 0) {
        snprintf(finding->text, sizeof finding->text, "process %d, version %s", (int)control_client_pid(*client),
                 control_client_version(*client));
        return;
    }
    fault(finding, error.message,
          rc == -ENOTCONN ? "`dora run` needs none" : "`dora down --force` ends it, `dora up` starts another");
    finding->grade = rc == -ENOTCONN ? WARNING : FAULT;
}

static void check_daemon(struct finding *finding, const json_t *status)
{
    const json_t *daemon = machine_here(status);
    struct control_standing standing;
    if (daemon) {
        snprintf(finding->text, sizeof finding->text, "process %.0f, version %s, %.0f dataflows running",
                 json_number(daemon, "pid"), json_text(daemon, "version"), json_number(status, "running"));
    } else if (control_standing_read(&standing) == 0 && standing.stand == CONTROL_REFUSED) {
        fault(finding, standing.message, standing.hint);
    } else if (control_lock_holder(CONTROL_DAEMON_LOCK)) {
        snprintf(finding->text, sizeof finding->text, "not connected to a coordinator");
        snprintf(finding->hint, sizeof finding->hint, "`dora up` starts a coordinator for it");
        finding->grade = WARNING;
    } else {
        fault(finding, "not running", "`dora up` starts it; `dora run` needs none");
        finding->grade = WARNING;
    }
}

/* The clocks of machines may differ: nothing breaks, but their logs can't be compared. */
static const double skew_most_ns = 1e9;

static void check_machines(struct finding *finding, const json_t *status)
{
    size_t count = 0, alive = 0, skewed = 0, i;
    const char *gone = "";
    json_t *machine;
    json_array_foreach(json_object_get(status, "daemons"), i, machine)
    {
        bool is_alive = json_is_true(json_object_get(machine, "alive"));
        double skew = json_number(machine, "skew");
        count++;
        alive += is_alive;
        skewed += skew > skew_most_ns || skew < -skew_most_ns;
        gone = is_alive ? gone : json_text(machine, "machine");
    }
    const char *engine = machine_engine ? machine_engine : "this build has no zenoh and can't reach other machines";
    if (count > 1)
        snprintf(finding->text, sizeof finding->text, "%zu of %zu are there; %s", alive, count, engine);
    else
        snprintf(finding->text, sizeof finding->text, "%s", engine);
    finding->grade = alive < count || skewed || !machine_engine ? WARNING : FINE;
    if (alive < count)
        snprintf(finding->hint, sizeof finding->hint, "`%.100s` is out of reach; `dora status` shows all", gone);
    else if (skewed)
        snprintf(finding->hint, sizeof finding->hint,
                 "clocks are more than 1 s apart (`dora status` shows the skew): let NTP set them");
    else if (!machine_engine)
        snprintf(finding->hint, sizeof finding->hint, "only dataflows of several machines need it");
}

static void check_files(struct finding *finding)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    snprintf(finding->text, sizeof finding->text, "%llu may be open in a process", (unsigned long long)limit.rlim_max);
    if (limit.rlim_max >= FILES_WANTED)
        return;
    finding->grade = WARNING;
    snprintf(finding->hint, sizeof finding->hint,
             "large dataflows need some thousands: raise it (`ulimit -Hn`, "
             "LimitNOFILE= of a service)");
}

static void check_memory(struct finding *finding)
{
    autoclose int fd = memfd_create("dora-doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, 4096) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE) < 0)
        fault(finding, "no sealed shared memory (memfd_create, F_SEAL_FUTURE_WRITE)", "dora needs Linux 5.1 or newer");
    else
        snprintf(finding->text, sizeof finding->text, "memfd with seals works");
}

static void check_kernel(struct finding *finding)
{
    uint32_t word = 0;
    autoclose int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0) < 0)
        fault(finding, "no futexes", "the kernel or a sandbox doesn't allow the system call futex");
    else if (pidfd < 0)
        fault(finding, "no pidfds", "dora needs Linux 5.3 or newer, and a sandbox that allows pidfd_open");
    else
        snprintf(finding->text, sizeof finding->text, "futex and pidfd work");
}

static void check_program(struct finding *finding, const char *name, const char *hint)
{
    const char *path = getenv("PATH");
    for (path = path ? path : ""; *path;) {
        size_t len = strcspn(path, ":");
        snprintf(finding->text, sizeof finding->text, "%.*s/%s", (int)len, path, name);
        if (len && access(finding->text, X_OK) == 0)
            return;
        path += len + (path[len] == ':');
    }
    fault(finding, "not on PATH", hint);
    finding->grade = WARNING;
}

static void check_dataflow(struct finding *finding, const char *path)
{
    struct graph *graph = findings_load(path, &(struct graph_options){.check_sources = true});
    if (graph)
        snprintf(finding->text, sizeof finding->text, "%.1000s is valid", path);
    else
        fault(finding, "not valid, as told above", "`dora validate` checks it alone");
    graph_free(graph);
}

static void print_text(const char *name, const struct finding *finding)
{
    static const char *const grades[] = {"ok", "note", "FAULT"};
    static const int colors[] = {32, 33, 31};
    bool color = report_color(STDOUT_FILENO);
    printf(color ? "\033[%dm%-5s\033[0m  %-15s %s\n" : "%.0d%-5s  %-15s %s\n", color ? colors[finding->grade] : 0,
           grades[finding->grade], name, finding->text);
    if (finding->hint[0])
        printf("       %-15s hint: %s\n", "", finding->hint);
}

static void print_json(const char *name, const struct finding *finding)
{
    static const char *const grades[] = {"ok", "warning", "error"};
    json_t *line = json_pack("{s:s, s:s, s:s, s:s*}", "check", name, "status", grades[finding->grade], "text",
                             finding->text, "hint", finding->hint[0] ? finding->hint : NULL);
    autofree char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    if (text)
        puts(text);
    json_decref(line);
}

static int run(const struct options *options)
{
    enum { VERSION, RUNTIME, STATE, COORDINATOR, DAEMON, MACHINES, FILES, MEMORY, KERNEL, PYTHON, UV, DATAFLOW, COUNT };
    static const char *const names[COUNT] = {"version", "runtime folder", "state folder", "coordinator",
                                             "daemon",  "machines",       "open files",   "shared memory",
                                             "kernel",  "python3",        "uv",           "dataflow"};
    struct finding findings[COUNT] = {0};
    struct control_client *client = NULL;
    json_t *status = NULL;
    const char *format = options_value(options, "format"), *path = options_value(options, "dataflow");
    if (!session_is_here(options))
        return COMMAND_FAILED;
    check_versions(&findings[VERSION]);
    check_runtime_folder(&findings[RUNTIME]);
    check_state_folder(&findings[STATE]);
    check_coordinator(&findings[COORDINATOR], &client);
    if (client)
        control_call(client, "status", NULL, SESSION_PATIENCE, NULL, NULL, &status, NULL);
    check_daemon(&findings[DAEMON], status);
    check_machines(&findings[MACHINES], status);
    json_decref(status);
    control_client_close(client);
    check_files(&findings[FILES]);
    check_memory(&findings[MEMORY]);
    check_kernel(&findings[KERNEL]);
    check_program(&findings[PYTHON], "python3", "only Python nodes need it");
    check_program(&findings[UV], "uv", "only `--uv` needs it");
    if (path)
        check_dataflow(&findings[DATAFLOW], path);
    bool has_fault = false;
    for (int i = 0; i < (path ? COUNT : DATAFLOW); i++) {
        has_fault |= findings[i].grade == FAULT;
        if (format && strcmp(format, "json") == 0)
            print_json(names[i], &findings[i]);
        else
            print_text(names[i], &findings[i]);
    }
    return has_fault ? COMMAND_FAILED : COMMAND_OK;
}

static const struct option_spec options[] = {
    {.name = "dataflow", .value = "PATH", .help = "Check this descriptor, too"},
    {.name = "format", .letter = 'f', .value = "FORMAT", .choices = "table|json", .help = "How to print it"},
    SESSION_ADDRESS_OPTIONS,
    {0},
};

const struct command command_doctor = {
    .name = "doctor",
    .summary = "Check that this machine has what dora needs",
    .details =
        "Looks at the folders, the coordinator and the daemon, the kernel and the programs that nodes may need, and "
        "says\nwhat to do about each fault. What is only a note keeps nothing from working that doesn't need it.\n\n"
        "With --format json, each line is an object:\n"
        "  {\"check\": …, \"status\": \"ok\"|\"warning\"|\"error\", \"text\": …, \"hint\": …}\n\n"
        "Exits with 1 when there is a fault, else with 0.",
    .example = "dora doctor --dataflow dataflow.yml",
    .options = options,
    .run = run,
};
