/* json_write.h -- members of a JSON object, one after the other: for what we answer in JSON ourselves.
 *
 * The buffer says where we are: a comma goes in front of a member or an element unless a bracket has just been opened.
 * Whoever opens a bracket closes it.
 *
 * Thread: any.
 * Memory: appends to the caller's buffer.
 * Errors: none of its own; buf_failed(out) once at the end.
 */
#ifndef TRAIL_BASE_JSON_WRITE_H
#define TRAIL_BASE_JSON_WRITE_H

#include "base/buf.h"

/* `bracket` is "{" or "["; name NULL: an element of an array, or the whole. */
void json_open(struct buf *out, const char *name, const char *bracket);
void json_close(struct buf *out, const char *bracket);

void json_put_text(struct buf *out, const char *name, const char *value);
void json_put_number(struct buf *out, const char *name, uint64_t value);
void json_put_signed(struct buf *out, const char *name, int64_t value);
void json_put_rounded(struct buf *out, const char *name, double value); /* To a whole number. */
void json_put_bool(struct buf *out, const char *name, bool value);
void json_put_null(struct buf *out, const char *name);

/* Microseconds since 1970; 0 is null: there is none. */
void json_put_time(struct buf *out, const char *name, int64_t wall_us);

#endif
