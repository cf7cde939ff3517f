/* output_format.h -- the forms in which events are printed: table, json, ndjson, csv.
 *
 * Thread: any.
 * Memory: none.
 * Errors: a name that is none of them.
 */
#ifndef AUDITTRAIL_CLI_OUTPUT_FORMAT_H
#define AUDITTRAIL_CLI_OUTPUT_FORMAT_H

#include <stdbool.h>

enum output_format { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_NDJSON, OUTPUT_CSV };

bool output_format_parse(const char *name, enum output_format *ret_format);

#endif
