/* dead_letter.h -- what is kept of an event that the store refuses, down to a mark that there was one.
 *
 *     event  ->  policy  ->  spool  ->  [drain]  ->  store
 *
 * A store that refuses an event may refuse its text as well (its size, a rule of the operator's on the table). Then
 * less of it is offered:
 *
 *   whole     the event, as event_to_json() writes it
 *   short     {"_truncated":true,"_bytes":n,"_text":"<the first bytes of it>"}
 *   mark      {"_refused":true}
 *
 * Thread: any.
 * Memory: appends to the caller's buffer.
 * Errors: buf_failed().
 */
#ifndef TRAIL_DRAIN_DEAD_LETTER_H
#define TRAIL_DRAIN_DEAD_LETTER_H

#include "base/buf.h"
#include "event/event.h"

enum dead_letter_form { DEAD_LETTER_WHOLE, DEAD_LETTER_SHORT, DEAD_LETTER_MARK, DEAD_LETTER_FORM_COUNT };

/* Enough to recognise an event: action, resource and user come first. */
#define DEAD_LETTER_SHORT_BYTES 1024

void dead_letter_write(const struct event_record *record, const struct uuid *writer, enum dead_letter_form form,
                       struct buf *out);

#endif
