/* trail_contender.c -- our own trail, as the benchmarks use it. */
#include "bench/trail_contender.h"

#include <stdio.h>

#include "bench/bench.h"

#define FLUSH_MS_MAX (10 * 60 * 1000)

static void tell(void *context, const struct trail_error *notice)
{
    (void)context;
    fprintf(stderr, "bench: notice: %s\n", notice->message);
}

struct trail *trail_contender_open(const char *directory, const char *const *settings)
{
    char                 state_dir[512];
    const char          *all[TRAIL_CONTENDER_SETTINGS_MAX + 1] = { state_dir, "AUDIT_TRAIL_LEVEL=all",
                                                                   "AUDIT_TRAIL_SHUTDOWN_TIMEOUT=600" };
    size_t               count = 3;
    struct trail_options options = { TRAIL_OPTIONS_INIT, .settings = all, .env_file = "", .on_notice = tell };
    struct trail_error   error = { 0 };
    struct trail        *trail = NULL;

    snprintf(state_dir, sizeof state_dir, "AUDIT_TRAIL_STATE_DIR=%s", directory);
    for (; settings != NULL && *settings != NULL; settings++) {
        if (count == TRAIL_CONTENDER_SETTINGS_MAX)
            bench_fail("too many settings");
        all[count++] = *settings;
    }
    if (trail_open(&trail, &options, &error) != TRAIL_OK)
        bench_fail("the trail: %s", error.message);
    return trail;
}

void trail_contender_flush(struct trail *trail)
{
    if (trail_flush(trail, FLUSH_MS_MAX) != TRAIL_OK)
        bench_fail("the store did not take everything");
}

static void *open_trail(const char *directory, const char *const *settings)
{
    return trail_contender_open(directory, settings);
}

static void record(void *context, const struct trail_event *event)
{
    struct trail_error error;
    struct trail      *trail = context;
    enum trail_err     err = trail_record(trail, event, NULL, &error);
    if (err < 0)
        bench_fail("an event was not accepted: %s", error.message);
}

static void close_trail(void *context)
{
    struct trail *trail = context;
    trail_contender_flush(trail);
    if (trail_close(trail, NULL) != TRAIL_OK)
        bench_fail("events were left in the spool");
}

const struct contender contender_trail = { "trail", open_trail, record, close_trail };
