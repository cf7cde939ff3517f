/* notices.c -- keeps what the library's threads have to say until the main thread prints it. */
#include "cli/notices.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_kept(const struct notices *notices, const char *message)
{
    for (size_t i = 0; i < notices->kept_count; i++) {
        if (strcmp(notices->kept[i].message, message) == 0)
            return true;
    }
    return false;
}

void notices_take(void *context, const struct trail_error *notice)
{
    struct notices *notices = context;

    pthread_mutex_lock(&notices->lock);
    if (!is_kept(notices, notice->message)) {
        if (notices->kept_count < NOTICES_MAX)
            notices->kept[notices->kept_count++] = *notice;
        else
            notices->unkept_count++;
    }
    pthread_mutex_unlock(&notices->lock);
}

bool notices_are_new(struct notices *notices)
{
    pthread_mutex_lock(&notices->lock);
    bool are_new = notices->printed_count < notices->kept_count || notices->unkept_count > 0;
    pthread_mutex_unlock(&notices->lock);
    return are_new;
}

void notices_print(struct notices *notices, const char *command)
{
    /* Printed without the lock: kept notices are never changed, only added. */
    pthread_mutex_lock(&notices->lock);
    size_t   end = notices->kept_count;
    uint64_t unkept = notices->unkept_count;
    notices->unkept_count = 0;
    pthread_mutex_unlock(&notices->lock);

    for (; notices->printed_count < end; notices->printed_count++)
        fprintf(stderr, "audittrail %s: %s\n", command, notices->kept[notices->printed_count].message);
    if (unkept > 0)
        fprintf(stderr, "audittrail %s: and %" PRIu64 " more notices\n", command, unkept);
}

bool notices_have(struct notices *notices, enum trail_err code)
{
    bool found = false;
    pthread_mutex_lock(&notices->lock);
    for (size_t i = 0; i < notices->kept_count; i++)
        found = found || notices->kept[i].code == code;
    pthread_mutex_unlock(&notices->lock);
    return found;
}
