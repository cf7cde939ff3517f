/* metrics.c -- counts, and writes them down in the Prometheus text format. */
#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const OPERATION_NAMES[TRAIL_OPERATION_COUNT] = { [0] = "control",
#define NAME_OPERATION(symbol, number, name) [number] = name,
                                                                    TRAIL_OPERATION_MAP(NAME_OPERATION)
#undef NAME_OPERATION
};

/* One line per plain number of struct trail_stats: field, metric, type, help. */
#define STATS_MAP(X)                                                                                        \
    X(disabled, "audittrail_disabled_total", "counter", "Events offered while AUDIT_TRAIL_ENABLED=false.")  \
    X(stored, "audittrail_stored_total", "counter", "Events in the store.")                                 \
    X(waiting, "audittrail_waiting_events", "gauge", "Events in the spool, not yet in the store.")          \
    X(dead_lettered, "audittrail_dead_lettered_total", "counter", "Events that the store refused.")         \
    X(unclassified, "audittrail_unclassified_total", "counter", "Events whose action's name said nothing.") \
    X(transactions, "audittrail_transactions_total", "counter", "Batches committed.")                       \
    X(store_errors, "audittrail_store_errors_total", "counter", "Attempts to store that were retried.")     \
    X(spool_bytes, "audittrail_spool_bytes", "gauge", "Disk taken by this process's spool.")                \
    X(cleanup_runs, "audittrail_cleanup_runs_total", "counter", "Clean-ups of the store by this process.")  \
    X(cleanup_deleted, "audittrail_cleanup_deleted_total", "counter", "Expired events deleted.")            \
    X(cleanup_batches, "audittrail_cleanup_batches_total", "counter", "Transactions that deleted them.")    \
    X(cleanup_refused, "audittrail_cleanup_refused_total", "counter", "Clean-ups refused for the clock.")

void metrics_count_request(struct metrics *metrics, unsigned status)
{
    if (status <= METRICS_STATUS_MAX)
        atomic_fetch_add_explicit(&metrics->requests[status], 1, memory_order_relaxed);
}

bool metrics_count_audit_failure(struct metrics *metrics, enum trail_err code)
{
    int index = -(int)code;
    if (index <= 0 || index >= METRICS_CODES_MAX)
        index = 0;
    return atomic_fetch_add_explicit(&metrics->audit_failures[index], 1, memory_order_relaxed) == 0;
}

static void write_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_gateway(FILE *out, struct metrics *metrics, unsigned connections)
{
    write_head(out, "gateway_http_requests_total", "counter", "Requests answered, by HTTP status.");
    for (unsigned status = 0; status <= METRICS_STATUS_MAX; status++) {
        uint64_t count = atomic_load_explicit(&metrics->requests[status], memory_order_relaxed);
        if (count > 0)
            fprintf(out, "gateway_http_requests_total{status=\"%u\"} %" PRIu64 "\n", status, count);
    }
    write_head(out, "gateway_connections", "gauge", "Client connections that are open.");
    fprintf(out, "gateway_connections %u\n", connections);

    write_head(out, "gateway_audit_failures_total", "counter", "Requests answered although auditing failed, by code.");
    for (int index = 0; index < METRICS_CODES_MAX; index++) {
        uint64_t count = atomic_load_explicit(&metrics->audit_failures[index], memory_order_relaxed);
        if (count > 0)
            fprintf(out, "gateway_audit_failures_total{code=\"%d\"} %" PRIu64 "\n", -index, count);
    }
}

static void write_account(FILE *out, const char *operation, const struct trail_account *account)
{
    const struct {
        const char *result;
        uint64_t    count;
    } rows[] = { { "recorded", account->recorded }, { "level", account->level },
                 { "excluded", account->excluded }, { "sampled", account->sampled },
                 { "rejected", account->rejected }, { "dropped", account->dropped } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        fprintf(out, "audittrail_events_total{operation=\"%s\",result=\"%s\"} %" PRIu64 "\n", operation, rows[i].result,
                rows[i].count);
}

static void write_trail(FILE *out, struct trail *trail)
{
    struct trail_stats stats = { .struct_size = sizeof stats };
    trail_stats(trail, &stats);

    write_head(out, "audittrail_events_total", "counter", "Events offered, by operation and by where they went.");
    for (int i = 0; i < TRAIL_OPERATION_COUNT; i++)
        write_account(out, OPERATION_NAMES[i], &stats.operations[i]);

#define WRITE_STAT(field, name, type, help) \
    write_head(out, name, type, help);      \
    fprintf(out, name " %" PRIu64 "\n", stats.field);
    STATS_MAP(WRITE_STAT)
#undef WRITE_STAT

    write_head(out, "audittrail_oldest_waiting_seconds", "gauge", "Age of the oldest event that waits, 0 if none.");
    fprintf(out, "audittrail_oldest_waiting_seconds %.6f\n", (double)stats.oldest_waiting_us / 1e6);
    write_head(out, "audittrail_cleanup_last_timestamp_seconds", "gauge", "When the last clean-up ended, 0 if none.");
    fprintf(out, "audittrail_cleanup_last_timestamp_seconds %.6f\n", (double)stats.cleanup_last_us / 1e6);
    write_head(out, "audittrail_cleanup_last_duration_seconds", "gauge", "How long it took.");
    fprintf(out, "audittrail_cleanup_last_duration_seconds %.6f\n", (double)stats.cleanup_last_duration_us / 1e6);
}

char *metrics_render(struct metrics *metrics, struct trail *trail, unsigned connections)
{
    char  *text = NULL;
    size_t size = 0;
    FILE  *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    write_gateway(out, metrics, connections);
    write_trail(out, trail);
    bool complete = ferror(out) == 0;
    if (fclose(out) != 0 || !complete) {
        free(text);
        return NULL;
    }
    return text;
}
