#include "operator/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The value of the line at `*at`, which has to have this key; NULL where it hasn't, or nothing behind it. `*at` moves
 * on to the next line. */
static const char *take(char **at, const char *key)
{
    size_t len = strlen(key);
    char *line = *at, *end = strchr(line, '\n');
    if (strncmp(line, key, len) != 0 || line[len] != ' ' || !end || end == line + len + 1)
        return NULL;
    *end = '\0';
    *at = end + 1;
    return line + len + 1;
}

static bool take_operator(char **at, struct operator_config *config)
{
    config->id = take(at, "operator");
    config->thread = config->id ? take(at, "thread") : NULL;
    if (!config->thread)
        return false;
    config->file = take(at, "library");
    config->is_python = !config->file;
    if (config->is_python)
        config->file = take(at, "python");
    config->connect = config->file ? take(at, "connect") : NULL;
    return config->connect;
}

static size_t count_operators(const char *text)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, "\noperator ")) != NULL; at++)
        count++;
    return count;
}

/* The operator of `operator:` has no name of its own, but this one by default. */
static void name_lone(struct host_config *config)
{
    struct operator_config *first = &config->operators[0];
    if (config->count > 1 || strcmp(first->id, "op") != 0)
        return;
    first->thread = strcmp(first->thread, first->id) == 0 ? config->node : first->thread;
    first->id = config->node;
}

int host_config_read(struct host_config *config, const char *text, struct error *error)
{
    const size_t most = count_operators(text);
    *config = (struct host_config){.text = strdup(text), .operators = calloc(most + 1, sizeof *config->operators)};
    if (!config->text || !config->operators) {
        host_config_free(config);
        return error_set(error, -ENOMEM, "no memory for %zu operators", most);
    }
    char *at = config->text;
    config->node = take(&at, "node");
    bool is_fine = config->node;
    while (is_fine && *at && config->count < most)
        is_fine = take_operator(&at, &config->operators[config->count++]);
    if (is_fine && !*at && config->count > 0) {
        name_lone(config);
        return 0;
    }
    host_config_free(config);
    return error_set(error, -EINVAL,
                     HOST_CONFIG_ENV
                     " is not understood: this program and the daemon are not of the same version of dora");
}

void host_config_free(struct host_config *config)
{
    free(config->text);
    free(config->operators);
    *config = (struct host_config){0};
}
