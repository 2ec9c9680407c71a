#include "control/standing.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/paths.h"

static const char file[] = "daemon.json", fresh[] = "daemon.json.new";
static const char *const stands[] = {"waiting", "registered", "refused"};

/* What others wrote may be no UTF-8, and is left out then. */
static json_t *text_of(const char *text)
{
    json_t *json = json_string(text);
    return json ? json : json_string("");
}

int control_standing_write(const struct control_standing *standing, pid_t keeper, struct error *error)
{
    char path[PATH_MAX], new[PATH_MAX];
    int rc = control_runtime_file(path, file, error);
    if (rc == 0)
        rc = control_runtime_file(new, fresh, error);
    if (rc < 0)
        return rc;
    json_t *json =
        json_pack("{s:i, s:s, s:b, s:b, s:o, s:o, s:o}", "keeper", (int)keeper, "stand", stands[standing->stand],
                  "elsewhere", standing->is_elsewhere, "was_registered", standing->was_registered, "id",
                  text_of(standing->id), "message", text_of(standing->message), "hint", text_of(standing->hint));
    rc = json && json_dump_file(json, new, JSON_COMPACT) == 0 && rename(new, path) == 0 ? 0 : -EIO;
    json_decref(json);
    return rc < 0 ? error_set(error, rc, "can't write to %s", path) : 0;
}

int control_standing_read(struct control_standing *standing)
{
    char path[PATH_MAX];
    const char *stand, *id, *message, *hint;
    int keeper, is_elsewhere, was_registered;
    pid_t holder = control_lock_holder(CONTROL_DAEMON_LOCK);
    *standing = (struct control_standing){0};
    if (holder <= 0 || control_runtime_file(path, file, NULL) < 0)
        return -ENOENT;
    json_t *json = json_load_file(path, 0, NULL);
    int rc = json &&
                     json_unpack(json, "{s:i, s:s, s:b, s:b, s:s, s:s, s:s}", "keeper", &keeper, "stand", &stand,
                                 "elsewhere", &is_elsewhere, "was_registered", &was_registered, "id", &id, "message",
                                 &message, "hint", &hint) == 0 &&
                     keeper == (int)holder
                 ? 0
                 : -ENOENT;
    for (int i = 0; rc == 0 && i < 3; i++)
        if (strcmp(stand, stands[i]) == 0)
            standing->stand = (enum control_stand)i;
    if (rc == 0) {
        standing->is_elsewhere = is_elsewhere;
        standing->was_registered = was_registered;
        snprintf(standing->id, sizeof standing->id, "%s", id);
        snprintf(standing->message, sizeof standing->message, "%s", message);
        snprintf(standing->hint, sizeof standing->hint, "%s", hint);
    }
    json_decref(json);
    return rc;
}

void control_standing_remove(void)
{
    char path[PATH_MAX];
    if (control_runtime_file(path, file, NULL) == 0)
        unlink(path);
}
