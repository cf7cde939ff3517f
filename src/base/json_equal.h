/* json_equal.h -- whether two JSON texts say the same, whatever their spelling.
 *
 * The one place that builds a tree, and the one file that knows jansson. It does not include json.h, nor may a
 * file include both json.h and jansson.h: their enumerators have the same names.
 *
 * Thread: any.
 * Memory: allocates and frees trees; the texts are borrowed for the call.
 * Errors: none; what cannot be read, or for which there is no memory, equals nothing, not even itself.
 */
#ifndef TRAIL_BASE_JSON_EQUAL_H
#define TRAIL_BASE_JSON_EQUAL_H

#include "audittrail.h"

/* True when both are JSON values that are deeply equal: members in any order, escapes resolved; 1 and 1.0 differ, for
 * one is an integer. False for values with duplicate names and integers outside int64. */
bool json_equal_texts(struct trail_text a, struct trail_text b);

#endif
