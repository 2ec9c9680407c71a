#include "agent/remote_check.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERB_WORDS = 2, OPTIONS_MOST = 12, COLUMNS_MOST = 10000 };

static const struct verb {
    const char *words[VERB_WORDS]; /* the second may be NULL */
    const char *options[OPTIONS_MOST];
} verbs[] = {
    {{"topic", "echo"}, {"dataflow", "format", "count", "duration"}},
    {{"topic", "hz"}, {"dataflow", "format", "window", "duration"}},
    {{"topic", "bw"}, {"dataflow", "format", "window", "duration"}},
    {{"topic", "delay"}, {"dataflow", "format", "window", "duration"}},
    {{"topic", "info"}, {"dataflow", "format", "duration"}},
    {{"topic", "pub"}, {"dataflow", "metadata", "count", "rate"}},
    {{"trace"}, {"dataflow", "format", "duration"}},
    {{"logs"},
     {"all-nodes", "node", "tail", "follow", "since", "until", "level", "grep", "log-format", "log-filter", "beside"}},
};

static bool is_verb(const struct verb *verb, char *const *words, size_t count)
{
    for (size_t i = 0; i < VERB_WORDS && verb->words[i]; i++)
        if (i >= count || strcmp(words[i], verb->words[i]) != 0)
            return false;
    return true;
}

static const struct verb *find_verb(char *const *words, size_t count)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (is_verb(&verbs[i], words, count))
            return &verbs[i];
    return NULL;
}

/* "--NAME" or "--NAME=VALUE", the name as a whole: what it may be short for is another matter. */
static bool is_option(const struct verb *verb, const char *word)
{
    if (strncmp(word, "--", 2) != 0)
        return false;
    size_t len = strcspn(word + 2, "=");
    for (size_t i = 0; i < OPTIONS_MOST && verb->options[i]; i++)
        if (strlen(verb->options[i]) == len && strncmp(word + 2, verb->options[i], len) == 0)
            return true;
    return false;
}

static int check_words(char *const *words, size_t count, struct error *error)
{
    const struct verb *verb = find_verb(words, count);
    if (!verb)
        return error_set(error, -EINVAL, "`dora %.64s` can't be run from another machine", count ? words[0] : "");
    for (size_t i = verb->words[1] ? 2 : 1; i < count && strcmp(words[i], "--") != 0; i++)
        if (!is_option(verb, words[i]))
            return error_set(error, -EINVAL, "`dora %s` can't have `%.64s` from another machine", verb->words[0],
                             words[i]);
    return 0;
}

int remote_check_args(const json_t *args, char ***out, struct error *error)
{
    size_t count = json_array_size(args), size = 0;
    if (count > REMOTE_WORDS_MOST)
        return error_set(error, -EINVAL, "`args` are more than %d", REMOTE_WORDS_MOST);
    char **words = calloc(count + 2, sizeof *words);
    if (!words)
        return error_set(error, -ENOMEM, "no memory for a command");
    static char dora[] = "dora";
    words[0] = dora;
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        const json_t *word = json_array_get(args, i);
        size += json_string_length(word);
        words[i + 1] = (char *)json_string_value(word); /* exec's argv, which it doesn't change */
        if (!words[i + 1])
            rc = error_set(error, -EINVAL, "`args` must be texts");
        else if (json_string_length(word) > REMOTE_WORD_MOST || size > REMOTE_WORDS_SIZE_MOST)
            rc = error_set(error, -EINVAL, "what the command is given is too long");
    }
    if (rc == 0)
        rc = check_words(words + 1, count, error);
    if (rc < 0)
        free(words);
    else
        *out = words;
    return rc;
}

int remote_check_terminal(const json_t *terminal, char text[REMOTE_TERMINAL_MOST], struct error *error)
{
    json_int_t columns = json_integer_value(json_object_get(terminal, "columns"));
    const char *colors = json_string_value(json_object_get(terminal, "colors"));
    colors = colors ? colors : "";
    if (columns < 0 || columns > COLUMNS_MOST || strlen(colors) > 2 || strspn(colors, "12") != strlen(colors))
        return error_set(error, -EINVAL, "`terminal` is none");
    snprintf(text, REMOTE_TERMINAL_MOST, "%d:%s", (int)columns, colors);
    return 0;
}
