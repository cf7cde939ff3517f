/* progress.c -- a line on a terminal that says how far long work has come. */
#include "cli/progress.h"

#include <inttypes.h>

#include "cli/figures.h"
#include "cli/screen.h"

#define SECOND_US 1000000
#define PROGRESS_FIRST_US SECOND_US       /* What takes less is over before it can be read. */
#define PROGRESS_AGAIN_US (SECOND_US / 5) /* Fast enough to look alive, slow enough to be read. */

void progress_begin(struct progress *progress, const struct progress_work *work)
{
    *progress = (struct progress){ .work = *work, .width = screen_of(work->out).width };
    if (progress->width == 0)
        return;
    progress->begin_us = clock_mono_us(work->clock);
    progress->next_us = progress->begin_us + PROGRESS_FIRST_US;
}

/* "2:05" or "1:02:05". */
static int format_duration(char *out, size_t size, uint64_t seconds)
{
    uint64_t hours = seconds / 3600;
    if (hours > 0)
        return snprintf(out, size, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, hours, seconds / 60 % 60, seconds % 60);
    return snprintf(out, size, "%" PRIu64 ":%02" PRIu64, seconds / 60, seconds % 60);
}

/* "1,234,567 lines  81,000/s  45 %  0:12 left" */
static void format(const struct progress *progress, char *out, size_t size, const uint64_t figures[3])
{
    uint64_t count = figures[0];
    uint64_t done = figures[1];
    double   seconds = (double)figures[2] / SECOND_US;
    double   total = (double)progress->work.total;
    char     left[48];

    int used = snprintf(out, size, "%s %s  %s/s", figure_count(count).text, progress->work.noun,
                        figure_count((uint64_t)((double)count / seconds)).text);
    if (progress->work.total == 0 || done == 0 || used < 0 || (size_t)used >= size)
        return;
    if (done > progress->work.total) /* A file that grows while it is read. */
        done = progress->work.total;
    format_duration(left, sizeof left, (uint64_t)(seconds * (total - (double)done) / (double)done + 0.5));
    snprintf(out + used, size - (size_t)used, "  %.0f %%  %s left", 100 * (double)done / total, left);
}

void progress_show(struct progress *progress, uint64_t count, uint64_t done)
{
    char line[192];

    if (progress->width == 0)
        return;
    int64_t now_us = clock_mono_us(progress->work.clock);
    if (now_us < progress->next_us)
        return;
    progress->next_us = now_us + PROGRESS_AGAIN_US;
    progress->visible = true;
    format(progress, line, sizeof line, (const uint64_t[]){ count, done, (uint64_t)(now_us - progress->begin_us) });
    /* A line that wraps cannot be taken back. */
    fprintf(progress->work.out, "\r\x1b[K%.*s", (int)(progress->width - 1), line);
    fflush(progress->work.out);
}

void progress_clear(struct progress *progress)
{
    if (!progress->visible)
        return;
    progress->visible = false;
    fputs("\r\x1b[K", progress->work.out);
    fflush(progress->work.out);
}
