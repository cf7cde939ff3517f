/* simulate_report.h -- prints a simulation for people: policies, volumes, rules, what is lost and gained.
 *
 * Thread: any.
 * Memory: borrows the simulation.
 * Errors: false when memory ran out; write errors stay in the stream.
 */
#ifndef AUDITTRAIL_CLI_SIMULATE_REPORT_H
#define AUDITTRAIL_CLI_SIMULATE_REPORT_H

#include <stdio.h>

#include "query/simulate.h"

bool simulate_report(const struct simulation *simulation, uint64_t lines_in_error, FILE *out);

#endif
