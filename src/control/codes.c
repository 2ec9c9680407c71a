#include <errno.h>
#include <string.h>

#include "control/message.h"

static const struct {
    const char *name;
    int code;
} codes[] = {
    {"internal", -EPROTO}, /* also for what is not in this list */
    {"not-found", -ENOENT},    {"ambiguous", -ENOTUNIQ}, {"exists", -EEXIST}, {"invalid", -EINVAL},
    {"no-daemon", -EHOSTDOWN}, {"failed", -EIO},         {"refused", -EPERM}, {"lost", -ECONNRESET},
};

int control_code_errno(const char *name)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(codes[i].name, name) == 0)
            return codes[i].code;
    return codes[0].code;
}

const char *control_errno_code(int code)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].code == code)
            return codes[i].name;
    return codes[0].name;
}
