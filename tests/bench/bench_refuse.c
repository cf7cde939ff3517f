/* bench_refuse.c -- what an event costs that the policy leaves out.
 *
 *     bench_refuse --dir DIR [--calls N]
 *
 * The same loop over the same events with an empty function in place of trail_record() is what the call itself costs.
 * One call is shorter than the clock is fine, so a stretch of calls is timed; the figure is the fastest stretch's. */
#include <string.h>

#include "bench/bench.h"
#include "bench/trail_contender.h"

#define STRETCH_CALLS 5120 /* 25 us and more. */

/* Twenty names and a pattern or two, as an operator's list has. */
#define NAMES                                                                                                 \
    "health_check,metrics_read,ping,heartbeat,token_refresh,session_touch,list_agents,list_teams,list_roles," \
    "get_metric,search_catalog,view_*,*_probe,list_tools,warm_cache,poll_events,get_status,list_sessions,"    \
    "rotate_logs,get_version"

static const char *const by_level[] = { "AUDIT_TRAIL_LEVEL=writes_only", NULL };
static const char *const by_action[] = { "AUDIT_TRAIL_EXCLUDE_ACTIONS=" NAMES, NULL };
static const char *const by_resource[] = { "AUDIT_TRAIL_EXCLUDE_RESOURCES=metrics,health,health_*,metric", NULL };
/* So little is kept that nothing is, but each event is decided like any other. */
static const char *const by_sampling[] = { "AUDIT_TRAIL_SAMPLE_RATE=0.000000000000001", NULL };
static const char *const by_everything[] = { "AUDIT_TRAIL_EXCLUDE_ACTIONS=" NAMES,
                                             "AUDIT_TRAIL_SAMPLE_RATE=0.000000000000001",
                                             "AUDIT_TRAIL_ALWAYS_RECORD=failures,deletes,auth", NULL };

static const struct refusal {
    const char          *name;
    const char *const   *settings;
    enum trail_operation operation; /* 0: classified from the action. */
    const char          *action;    /* NULL: as the generator made it. */
    const char          *resource_type;
} refusals[] = {
    { "refuse_level", by_level, TRAIL_OPERATION_READ, NULL, NULL },
    { "refuse_level_classified", by_level, TRAIL_OPERATION_AUTO, "list_tools", NULL },
    { "refuse_action", by_action, TRAIL_OPERATION_READ, "list_tools", NULL },
    { "refuse_action_pattern", by_action, TRAIL_OPERATION_READ, "liveness_probe", NULL },
    { "refuse_resource", by_resource, TRAIL_OPERATION_READ, NULL, "metric" },
    { "refuse_sampled", by_sampling, TRAIL_OPERATION_READ, NULL, NULL },
    { "refuse_sampled_last", by_everything, TRAIL_OPERATION_READ, NULL, NULL },
};

typedef enum trail_err (*record_fn)(struct trail *, const struct trail_event *, struct trail_id *,
                                    struct trail_error *);

__attribute__((noinline)) static enum trail_err do_nothing(struct trail *trail, const struct trail_event *event,
                                                           struct trail_id *ret_id, struct trail_error *ret_error)
{
    (void)trail;
    (void)event;
    (void)ret_id;
    (void)ret_error;
    __asm__ volatile("" ::: "memory");
    return TRAIL_REFUSED;
}

/* The fastest of many short stretches: what else runs on the machine can only add to one. */
static double ns_per_call(struct trail *trail, const struct workload *workload, record_fn record, uint64_t calls)
{
    uint64_t accepted = 0;
    uint64_t least = UINT64_MAX;
    for (uint64_t done = 0; done < calls; done += STRETCH_CALLS) {
        uint64_t begin = bench_now_ns();
        for (uint64_t i = 0; i < STRETCH_CALLS; i++) {
            const struct trail_event *event = &workload->records[i % WORKLOAD_SMALL_COUNT].event;
            accepted += record(trail, event, NULL, NULL) != TRAIL_REFUSED;
        }
        uint64_t took = bench_now_ns() - begin;
        least = took < least ? took : least;
    }
    if (accepted > 0)
        bench_fail("%llu events were not refused", (unsigned long long)accepted);
    return (double)least / STRETCH_CALLS;
}

static void measure(const struct refusal *refusal, const char *directory, struct workload *workload, uint64_t calls)
{
    for (size_t i = 0; i < workload->count; i++) {
        struct trail_event *event = &workload->records[i].event;
        event->outcome = TRAIL_OUTCOME_SUCCESS;
        event->operation = refusal->operation;
        if (refusal->action != NULL)
            event->action = trail_str(refusal->action);
        if (refusal->resource_type != NULL)
            event->resource_type = trail_str(refusal->resource_type);
    }
    struct trail *trail = trail_contender_open(directory, refusal->settings);
    (void)ns_per_call(trail, workload, trail_record, calls / 10); /* Opens the spool, fills the caches. */
    bench_print(refusal->name, "empty_call", ns_per_call(NULL, workload, do_nothing, calls));
    bench_print(refusal->name, "ns", ns_per_call(trail, workload, trail_record, calls));
    contender_trail.close(trail);
}

int main(int argc, char **argv)
{
    const char     *directory = bench_argument(argc, argv, "--dir", ".");
    uint64_t        calls = bench_number(argc, argv, "--calls", 20000000);
    struct workload workload;

    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        workload_make(&workload, WORKLOAD_SMALL_COUNT, WORKLOAD_PLAIN, true);
        measure(&refusals[i], directory, &workload, calls);
        workload_free(&workload);
    }
    return 0;
}
