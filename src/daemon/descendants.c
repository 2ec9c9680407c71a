#include "daemon/descendants.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

struct process {
    pid_t pid, parent, group;
    bool is_ours;
};

static bool read_process(int proc, const char *name, struct process *process)
{
    char path[32], text[512];
    if (snprintf(path, sizeof path, "%.16s/stat", name) >= (int)sizeof path)
        return false;
    autoclose int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (len <= 0)
        return false;
    text[len] = '\0';
    const char *behind_name = strrchr(text, ')'); /* the name itself may hold anything */
    *process = (struct process){.pid = atoi(name)};
    return behind_name && sscanf(behind_name, ") %*c %d %d", &process->parent, &process->group) == 2;
}

static struct process *list_processes(size_t *count)
{
    DIR *dir = opendir("/proc");
    if (!dir)
        return NULL;
    struct process *list = NULL;
    size_t cap = 0;
    *count = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        if (*count == cap) {
            struct process *larger = reallocarray(list, cap = cap ? 2 * cap : 256, sizeof *list);
            if (!larger)
                break;
            list = larger;
        }
        *count += read_process(dirfd(dir), entry->d_name, &list[*count]);
    }
    closedir(dir);
    return list;
}

static struct spared *find_spared(struct spared *list, pid_t pid)
{
    while (list && (list->pid != pid || list->is_reaped))
        list = list->next;
    return list;
}

void spared_note(struct spared *list, pid_t pid, int status)
{
    struct spared *spared = find_spared(list, pid);
    if (spared) {
        spared->is_reaped = true;
        spared->status = status;
    }
}

/* How many there are. */
static size_t kill_round(struct spared *spared)
{
    size_t count = 0;
    autofree struct process *list = list_processes(&count);
    pid_t self = getpid(), own_group = getpgrp();
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < count; i++) {
            bool is_ours = list[i].parent == self && !find_spared(spared, list[i].pid);
            for (size_t k = 0; k < count && !is_ours && !list[i].is_ours; k++)
                is_ours = list[k].is_ours && list[k].pid == list[i].parent;
            more |= is_ours && !list[i].is_ours;
            list[i].is_ours |= is_ours;
        }
    }
    size_t killed = 0;
    for (size_t i = 0; i < count; i++) {
        if (!list[i].is_ours)
            continue;
        killed++;
        /* A whole group at once also takes what is being forked right now. */
        if (list[i].group == list[i].pid && list[i].group != own_group)
            kill(-list[i].group, SIGKILL);
        kill(list[i].pid, SIGKILL);
    }
    return killed;
}

int descendants_kill(int64_t timeout_ns, struct spared *spared)
{
    int64_t deadline = clock_after(clock_now(), timeout_ns);
    for (;;) {
        pid_t reaped;
        int status;
        while ((reaped = waitpid(-1, &status, WNOHANG)) > 0 || (reaped < 0 && errno == EINTR))
            if (reaped > 0)
                spared_note(spared, reaped, status);
        /* As a subreaper, this process gets every orphan below it: without children it has no descendants. */
        if (reaped < 0)
            return 0;
        if (clock_now() >= deadline)
            return -ETIMEDOUT;
        if (kill_round(spared) == 0 && spared)
            return 0;
        /* Killing takes effect when the victims run next; the one thing to wait for is SIGCHLD, and that is the loop's.
         */
        nanosleep(&(struct timespec){.tv_nsec = CLOCK_MILLI}, NULL);
    }
}
