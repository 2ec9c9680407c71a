/* The processes of a participant: the one that was spawned, with its group, and, where a wrapper started the node
 * proper, the one that said HELLO. A node is gone when both are.
 */
#include "daemon/dataflow.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

static void signal_watched(const struct watch *watch, int signal)
{
    if (watch)
        syscall(SYS_pidfd_send_signal, watch_fd(watch), signal, NULL, 0);
}

void participant_signal(struct participant *participant, int signal)
{
    /* The group's leader is not reaped yet, so nobody else has its number. */
    if (participant->pid > 0) {
        kill(-participant->pid, signal);
        signal_watched(participant->partner, signal);
    }
}

void participant_kill(struct participant *participant, enum kill_reason reason)
{
    struct participant *process = host_of(participant);
    if (process->pid <= 0)
        return;
    if (participant->end.killed == KILL_NONE)
        participant->end.killed = reason;
    participant_signal(process, SIGKILL);
}

void participant_break(struct participant *participant, const char *why)
{
    snprintf(participant->wrongdoing, sizeof participant->wrongdoing, "%s", why);
    participant->end.wrongdoing = participant->wrongdoing;
    if (participant->is_dynamic)
        dataflow_notice(participant->dataflow, "node `%s` was disconnected because %s", participant->node->id, why);
    else
        participant_kill(participant, KILL_PROTOCOL);
    if (participant->peer)
        peer_hang_up(participant->peer);
    if (participant_is_here(participant))
        participant->state = PARTICIPANT_LEAVING;
    if (participant->is_dynamic)
        wiring_close_outputs(participant);
}

static void check_gone(struct participant *participant)
{
    if (participant->pid == 0 && !participant->partner)
        participant_gone(participant);
}

void process_check(struct participant *participant)
{
    siginfo_t info = {0};
    if (participant->pid <= 0)
        return;
    if (waitid(P_PID, (id_t)participant->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0)
        return;
    /* What is left of its group goes with it; its number is its own until it is reaped. */
    kill(-participant->pid, SIGKILL);
    if (waitid(P_PID, (id_t)participant->pid, &info, WEXITED | WNOHANG) == 0) {
        participant->end.by_signal = info.si_code != CLD_EXITED;
        participant->end.code = info.si_status;
    } else {
        participant->end.code = -1; /* somebody else in this process has taken its status */
    }
    participant->pid = 0;
    watch_close(take_ptr(participant->process));
    signal_watched(participant->partner, SIGKILL);
    check_gone(participant);
}

void process_abandon(struct participant *participant)
{
    watch_close(take_ptr(participant->process));
    watch_close(take_ptr(participant->partner));
    participant->pid = 0;
    participant->end.by_signal = true;
    participant->end.code = SIGKILL;
    participant_gone(participant);
}

static void on_partner(void *context, int events)
{
    struct participant *participant = context;
    (void)events;
    watch_close(take_ptr(participant->partner));
    /* The node proper is dead, even if the process that started it lives on. */
    wiring_down_in(participant);
    if (participant->is_host)
        host_gone(participant);
    check_gone(participant);
}

int process_partner(struct participant *participant, pid_t pid, int socket, struct error *error)
{
    int fd = -1;
    socklen_t size = sizeof fd;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) < 0)
        fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : (errno = ESRCH, -1);
    if (fd < 0)
        return error_sys(error, -errno, "watch process %d, which says that it is node `%s`", (int)pid,
                         participant->node->id);
    return watch_open(&participant->partner, participant->dataflow->daemon->loop, fd, UV_READABLE, on_partner,
                      participant, error);
}
