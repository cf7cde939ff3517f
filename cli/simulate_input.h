/* simulate_input.h -- shows a simulation the events of an NDJSON file, as `audittrail record` would be given them.
 *
 * A line in error is told with its number and left out; the rest goes on.
 *
 * Thread: the main thread.
 * Memory: one line at a time.
 * Errors: a file that cannot be read ends the reading, and is told on stderr.
 */
#ifndef AUDITTRAIL_CLI_SIMULATE_INPUT_H
#define AUDITTRAIL_CLI_SIMULATE_INPUT_H

#include "query/simulate.h"

/* Read `name`; "-" is standard input. False: it cannot be read to its end, or memory ran out. */
bool simulate_input(struct simulation *simulation, const char *name, uint64_t *ret_lines_in_error);

#endif
