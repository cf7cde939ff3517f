/* trail_contender.h -- opens trails for the benchmarks: default settings, in a directory of their own.
 *
 * Thread: any.
 * Memory: the caller closes the trail.
 * Errors: whatever fails ends the program.
 */
#ifndef TRAIL_TESTS_TRAIL_CONTENDER_H
#define TRAIL_TESTS_TRAIL_CONTENDER_H

#include "bench/contender.h"

#define TRAIL_CONTENDER_SETTINGS_MAX 16

/* AUDIT_TRAIL_LEVEL is `all`, because most events of the generator are reads; everything else is the default unless
 * `settings` (NULL last, may be NULL) says otherwise. */
struct trail *trail_contender_open(const char *directory, const char *const *settings);

/* Wait until everything is stored; ends the program when that takes longer than ten minutes. */
void trail_contender_flush(struct trail *trail);

#endif
