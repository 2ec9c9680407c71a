#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static void set(struct error *error, int code, const char *format, va_list args)
{
    error->code = code;
    vsnprintf(error->message, sizeof error->message, format, args);
}

int error_set(struct error *error, int code, const char *format, ...)
{
    if (!error)
        return code;
    va_list args;
    va_start(args, format);
    set(error, code, format, args);
    va_end(args);
    return code;
}

int error_sys(struct error *error, int code, const char *format, ...)
{
    if (!error)
        return code;
    va_list args;
    va_start(args, format);
    set(error, code, format, args);
    va_end(args);
    size_t used = strlen(error->message);
    snprintf(error->message + used, sizeof error->message - used, ": %s", strerror(-code));
    return code;
}

int error_add(struct error *error, const char *format, ...)
{
    if (!error)
        return -EIO;
    char old[ERROR_MESSAGE_MAX];
    memcpy(old, error->message, sizeof old);
    va_list args;
    va_start(args, format);
    set(error, error->code, format, args);
    va_end(args);
    size_t used = strlen(error->message);
    snprintf(error->message + used, sizeof error->message - used, ": %s", old);
    return error->code;
}
