/* metrics.h -- the gateway's counters and the trail's, as Prometheus text.
 *
 * Thread: any; the counters are atomic.
 * Memory: metrics_render() returns a heap text, or NULL when there is no memory for it.
 * Errors: see above.
 */
#ifndef GATEWAY_METRICS_H
#define GATEWAY_METRICS_H

#include <audittrail.h>
#include <stdatomic.h>

#define METRICS_STATUS_MAX 599
#define METRICS_CODES_MAX 32 /* -code of enum trail_err, which goes to -14 today. */

struct metrics {
    _Atomic uint64_t requests[METRICS_STATUS_MAX + 1];  /* By HTTP status. */
    _Atomic uint64_t audit_failures[METRICS_CODES_MAX]; /* By -code: requests that were answered unrecorded. */
};

void metrics_count_request(struct metrics *metrics, unsigned status);

/* Count a negative code of the trail. True: it is the first of its kind. */
bool metrics_count_audit_failure(struct metrics *metrics, enum trail_err code);

char *metrics_render(struct metrics *metrics, struct trail *trail, unsigned connections);

#endif
