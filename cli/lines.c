/* lines.c -- reads lines from a file descriptor in large pieces. */
#include "cli/lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

/* One read(2); larger ones gain nothing measurable. */
#define LINES_READ_BYTES (256 * 1024)

bool lines_open(struct lines *lines, int fd, int stop_fd)
{
    *lines = (struct lines){ .fd = fd, .stop_fd = stop_fd };
    lines->buffer = malloc(LINES_LIMIT_BYTES + LINES_READ_BYTES);
    return lines->buffer != NULL;
}

void lines_close(struct lines *lines)
{
    free(lines->buffer);
    lines->buffer = NULL;
}

/* Wait until there is something to read. poll() and not a blocking read(), so that a signal that comes just before
 * the call is not slept through. */
static enum lines_result wait_readable(const struct lines *lines)
{
    struct pollfd watched[2] = { { .fd = lines->fd, .events = POLLIN }, { .fd = lines->stop_fd, .events = POLLIN } };
    for (;;) {
        int ready = poll(watched, lines->stop_fd >= 0 ? 2 : 1, -1);
        if (ready < 0 && errno != EINTR)
            return LINES_FAILED;
        if (ready > 0 && watched[1].revents != 0)
            return LINES_STOPPED;
        if (ready > 0)
            return LINES_LINE;
    }
}

/* Get more bytes behind those that are there. LINES_LINE: some came, or the end was seen. */
static enum lines_result read_more(struct lines *lines)
{
    enum lines_result ready = wait_readable(lines);
    if (ready != LINES_LINE)
        return ready;

    if (lines->begin > 0) {
        memmove(lines->buffer, lines->buffer + lines->begin, lines->end - lines->begin);
        lines->scanned -= lines->begin;
        lines->end -= lines->begin;
        lines->begin = 0;
    }
    ssize_t got = read(lines->fd, lines->buffer + lines->end, LINES_READ_BYTES);
    if (got < 0)
        return errno == EINTR || errno == EAGAIN ? LINES_LINE : LINES_FAILED;
    lines->at_end = got == 0;
    lines->end += (size_t)got;
    return LINES_LINE;
}

/* Hand out [begin, end_of_line) and go on at `next`. */
static enum lines_result hand_out(struct lines *lines, size_t end_of_line, size_t next, struct trail_text *ret_line)
{
    struct trail_text line = text_of(lines->buffer + lines->begin, end_of_line - lines->begin);
    bool              too_long = lines->skipping || line.size > LINES_LIMIT_BYTES;

    lines->number++;
    lines->bytes += next - lines->begin;
    lines->begin = next;
    lines->scanned = next;
    lines->skipping = false;
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    if (lines->number == 1 && text_starts_with(line, TRAIL_TEXT("\xEF\xBB\xBF")))
        line = text_of(line.data + 3, line.size - 3);
    *ret_line = line;
    return too_long ? LINES_TOO_LONG : LINES_LINE;
}

enum lines_result lines_next(struct lines *lines, struct trail_text *ret_line)
{
    for (;;) {
        char *from = lines->buffer + lines->scanned;
        char *newline = memchr(from, '\n', lines->end - lines->scanned);
        if (newline != NULL) {
            size_t at = (size_t)(newline - lines->buffer);
            return hand_out(lines, at, at + 1, ret_line);
        }
        lines->scanned = lines->end;
        if (lines->at_end && (lines->begin < lines->end || lines->skipping))
            return hand_out(lines, lines->end, lines->end, ret_line);
        if (lines->at_end)
            return LINES_END;

        if (lines->end - lines->begin > LINES_LIMIT_BYTES) {
            lines->skipping = true;
            lines->bytes += lines->end - lines->begin;
            lines->begin = lines->end;
        }
        enum lines_result result = read_more(lines);
        if (result != LINES_LINE)
            return result;
    }
}
