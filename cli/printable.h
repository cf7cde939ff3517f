/* printable.h -- makes stored text safe to show on a terminal, and measures and cuts it by columns.
 *
 * What is stored was written by whoever was audited. A terminal obeys control characters, and a reader believes
 * what bidirectional marks show; so both are spelled out: \n, \x1b, \u202e.
 *
 * Thread: any.
 * Memory: printable_append() writes into the caller's buffer; the rest are views.
 * Errors: none (buf_failed() for the buffer).
 */
#ifndef AUDITTRAIL_CLI_PRINTABLE_H
#define AUDITTRAIL_CLI_PRINTABLE_H

#include "base/buf.h"

/* Append `text` with everything spelled out that is not a plain visible character. */
void printable_append(struct buf *out, struct trail_text text);

/* Columns that printable text takes: 2 for East Asian wide characters and emoji, 0 for combining marks. */
size_t printable_width(struct trail_text printable);

/* The longest beginning that fits into `width` columns. */
struct trail_text printable_cut(struct trail_text printable, size_t width);

#endif
