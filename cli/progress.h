/* progress.h -- a line on a terminal that says how far long work has come: how much, how fast, how long it still takes.
 *
 *     progress_begin(&progress, &(struct progress_work){ "lines", file_size, stderr, &clock_system });
 *     while (...)
 *         progress_show(&progress, lines, bytes_read);
 *     progress_clear(&progress);
 *
 * The line appears after the first second and is rewritten a few times a second, so that progress_show() may be called
 * as often as one likes: it mostly looks at the clock. progress_clear() takes the line away, at the end and before
 * something else is printed; the next progress_show() brings it back. Off a terminal nothing is ever written.
 *
 * Thread: one owner.
 * Memory: none; the work is copied, its texts and clock borrowed.
 * Errors: none; write errors stay in the stream.
 */
#ifndef AUDITTRAIL_CLI_PROGRESS_H
#define AUDITTRAIL_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"

struct progress_work {
    const char         *noun;  /* What is counted: "lines". */
    uint64_t            total; /* Of `done`; 0: not known, and no time left can be told. */
    FILE               *out;
    const struct clock *clock;
};

struct progress {
    struct progress_work work;
    size_t               width; /* Of the terminal; 0: nothing is written. */
    int64_t              begin_us;
    int64_t              next_us; /* Not before this moment is the line written again. */
    bool                 visible;
};

void progress_begin(struct progress *progress, const struct progress_work *work);

/* `count` is what people are told; `done`, in whatever unit `total` has, is for the share and the time left. */
void progress_show(struct progress *progress, uint64_t count, uint64_t done);

void progress_clear(struct progress *progress);

#endif
