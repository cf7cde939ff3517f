/* simulate_json.h -- a simulation as one JSON object: what `simulate -o json` and the HTTP service answer.
 *
 *     store  ->  [query]
 *
 *   {"source": "store",                  or "input"
 *    "since": "...", "until": "...",     the time that the events cover, null if they do not say; "days": 1.0
 *    "policy": {"now": "level ...", "draft": "level ..."},
 *    "events": 100,                      looked at, the trail's own records left out
 *    "lines_in_error": 0,                of input
 *    "rows":          {"now": 90, "draft_low": 10, "draft_high": 10, "lost": 80, "gained_low": 0, "gained_high": 0},
 *    "rows_per_day":  {"now": .., "draft_low": .., "draft_high": ..},      null where there is no time
 *    "bytes":         {"now": .., "draft_low": .., "draft_high": ..},      null where there is no basis
 *    "bytes_per_day": {"now": .., "draft_low": .., "draft_high": ..},      null where there is no time or no basis
 *    "bytes_basis":   {"kind": "store", "bytes": 1, "events": 1},          or "encoded", "unknown"
 *    "rules": {"level": {"events": 80, "lost": 80, "examples": [..]}, "disabled": .., "sampled": ..,
 *              "excluded_action": {.., "patterns": [{"pattern": "health_*", "events": 1}]}, "excluded_resource": ..},
 *    "gained_examples": [{"time": "..", "user": "..", "operation": "..", "action": "..", "resource_type": "..",
 *                         "resource_id": "..", "outcome": ".."}],
 *    "operations": {"create": {"events": .., "now": .., "draft_low": .., "draft_high": .., "lost": ..,
 *                              "gained_low": .., "gained_high": .., "refused": {"level": ..},
 *                              "unseen_now": {"level": .., "excluded": .., "sampled": ..}}},
 *    "notes": [{"code": "unseen", "text": "..."}]}
 *
 * Numbers are whole, rounded; only days are not. Operation "control" holds the trail's own records. Names stay as they
 * are; new members may be added.
 *
 * Thread: any; one owner per buffer.
 * Memory: borrows the simulation.
 * Errors: buf_failed(out).
 */
#ifndef TRAIL_QUERY_SIMULATE_JSON_H
#define TRAIL_QUERY_SIMULATE_JSON_H

#include "base/buf.h"
#include "query/simulate.h"

/* "level", "excluded_action", ... A static string. */
const char *simulate_rule_name(enum draft_rule rule);

/* "create", ...; "control" for the trail's own records. A static string. */
const char *simulate_operation_name(size_t operation);

/* Append the object and a newline. */
void simulation_to_json(const struct simulation *simulation, uint64_t lines_in_error, struct buf *out);

#endif
