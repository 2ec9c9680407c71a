#include "operator/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "operator/crash.h"
#include "operator/dispatch.h"
#include "operator/group.h"

static struct group *group_of(struct host *host, const char *name)
{
    for (size_t i = 0; i < host->group_count; i++)
        if (strcmp(host->groups[i].name, name) == 0)
            return &host->groups[i];
    struct group *group = &host->groups[host->group_count];
    group->members = calloc(host->config.count, sizeof *group->members);
    if (!group->members)
        return NULL;
    group->host = host;
    group->name = name;
    host->group_count++;
    return group;
}

static int make(struct host *host, const char *text, struct error *error)
{
    int rc = host_config_read(&host->config, text, error);
    if (rc < 0)
        return rc;
    const size_t count = host->config.count;
    host->members = calloc(count, sizeof *host->members);
    host->groups = calloc(count, sizeof *host->groups);
    if (!host->members || !host->groups)
        return error_set(error, -ENOMEM, "no memory for %zu operators", count);
    for (size_t i = 0; i < count; i++) {
        const struct operator_config *config = &host->config.operators[i];
        struct group *group = group_of(host, config->thread);
        if (!group)
            return error_set(error, -ENOMEM, "no memory for %zu operators", count);
        host->members[i] = (struct member){
            .host = host,
            .config = config,
            .kind = config->is_python ? host->options->python : &library_kind,
            .context = config->is_python ? host->options->python_context : NULL,
        };
        group->members[group->count++] = &host->members[i];
    }
    host->waiting = host->group_count;
    return 0;
}

static void unmake(struct host *host)
{
    for (size_t i = 0; i < host->group_count; i++)
        free(host->groups[i].members);
    free(host->groups);
    free(host->members);
    host_config_free(&host->config);
}

/* Behind the longest name that the system keeps, the rest is missing. */
static void name_thread(pthread_t thread, const char *name)
{
    char text[16];
    snprintf(text, sizeof text, "%s", name);
    pthread_setname_np(thread, text);
}

static void *run_thread(void *group)
{
    group_run(group);
    return NULL;
}

/* The threads of all groups but the first; how many groups have one then, the calling thread's counted. */
static size_t start_threads(struct host *host, struct error *error)
{
    for (size_t i = 1; i < host->group_count; i++) {
        struct group *group = &host->groups[i];
        int rc = pthread_create(&group->thread, NULL, run_thread, group);
        if (rc != 0) {
            error_sys(error, -rc, "start the thread `%s`", group->name);
            return i;
        }
        name_thread(group->thread, group->name);
    }
    return host->group_count;
}

/* Those that have a thread wait for the init of the others, which there won't be. */
static void call_off(struct host *host, size_t with_thread)
{
    pthread_mutex_lock(&host->lock);
    host->no_start = true;
    host->waiting -= host->group_count - (with_thread - 1);
    if (host->waiting == 0)
        pthread_cond_broadcast(&host->progress);
    pthread_mutex_unlock(&host->lock);
}

static int run(struct host *host, struct error *error)
{
    size_t count = start_threads(host, error);
    if (count == host->group_count) {
        name_thread(pthread_self(), host->groups[0].name);
        group_run(&host->groups[0]);
    } else {
        call_off(host, count);
    }
    for (size_t i = 1; i < count; i++)
        pthread_join(host->groups[i].thread, NULL);
    return count == host->group_count ? 0 : error->code;
}

int operator_host_run(const char *config_text, const struct operator_host_options *options)
{
    struct host host = {.options = options, .lock = PTHREAD_MUTEX_INITIALIZER, .progress = PTHREAD_COND_INITIALIZER};
    struct error error = ERROR_INIT;
    int rc = make(&host, config_text, &error);
    if (rc == 0 && options->tells_of_crashes && (rc = crash_install(options->hands_crashes_on)) < 0)
        error_sys(&error, rc, "take over the signals of crashes");
    if (rc == 0)
        rc = run(&host, &error);
    if (rc < 0)
        fprintf(stderr, "%s\n", error.message);
    bool failed = rc < 0 || host.failed;
    unmake(&host);
    return failed;
}
