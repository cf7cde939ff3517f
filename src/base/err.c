/* err.c -- fills in the caller's struct trail_error. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 4, 0))) static void describe(struct trail_error *ret_error, enum trail_err code,
                                                           int sys_errno, const char *format, va_list arguments)
{
    ret_error->code = code;
    ret_error->sys_errno = sys_errno;
    ret_error->offset = 0;
    vsnprintf(ret_error->message, sizeof ret_error->message, format, arguments);
}

enum trail_err error_set(struct trail_error *ret_error, enum trail_err code, int sys_errno, const char *format, ...)
{
    if (ret_error == NULL)
        return code;

    va_list arguments;
    va_start(arguments, format);
    describe(ret_error, code, sys_errno, format, arguments);
    va_end(arguments);
    return code;
}

enum trail_err error_set_sys(struct trail_error *ret_error, enum trail_err code, int sys_errno, const char *format, ...)
{
    if (ret_error == NULL)
        return code;

    va_list arguments;
    va_start(arguments, format);
    describe(ret_error, code, sys_errno, format, arguments);
    va_end(arguments);

    size_t used = strlen(ret_error->message);
    char   reason[96];
    snprintf(ret_error->message + used, sizeof ret_error->message - used, ": %s",
             strerror_r(sys_errno, reason, sizeof reason));
    return code;
}

const char *trail_strerror(enum trail_err code)
{
    switch (code) {
#define ERR_SENTENCE(symbol, number, sentence) \
    case symbol: return sentence;
        TRAIL_ERR_MAP(ERR_SENTENCE)
#undef ERR_SENTENCE
    }
    return "unknown error code";
}

const char *trail_version(void)
{
    return TRAIL_VERSION;
}
