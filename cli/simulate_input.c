/* simulate_input.c -- shows a simulation the events of an NDJSON file, as `audittrail record` would be given them. */
#include "cli/simulate_input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/lines.h"
#include "cli/progress.h"
#include "event/event_json.h"
#include "event/event_wire.h"

/* Further ones are only counted. */
#define ERRORS_PRINTED_MAX 20

struct input {
    struct simulation *simulation;
    const char        *name; /* Named in front of a line in error; NULL: standard input. */
    uint64_t           lines_in_error;
    struct buf         scratch; /* Of the reader of JSON. */
    struct buf         payload;
    struct progress    progress;
};

static void tell_error(struct input *input, uint64_t number, const struct trail_error *error)
{
    if (++input->lines_in_error > ERRORS_PRINTED_MAX)
        return;
    progress_clear(&input->progress);
    if (input->name != NULL)
        fprintf(stderr, "%s: ", input->name);
    fprintf(stderr, "line %" PRIu64 ": %s", number, error->message);
    if (error->offset > 0)
        fprintf(stderr, " (byte %" PRIu64 ")", error->offset + 1);
    fputc('\n', stderr);
}

/* Its size in the spool. What encoding needs to be set does not change the size. */
static size_t encoded_size(struct input *input, const struct trail_event *offered)
{
    struct trail_event event = *offered;
    uint32_t           flags = 0;
    event.operation = TRAIL_OPERATION_OTHER;
    event.requires_review = TRAIL_REVIEW_NO;
    buf_clear(&input->payload);
    return event_encode(&event, 1, &input->payload, &flags) == TRAIL_OK ? input->payload.size : 0;
}

/* False: out of memory. */
static bool take_line(struct input *input, uint64_t number, struct trail_text line)
{
    struct trail_event event;
    struct trail_error error = { .code = TRAIL_OK };
    enum trail_err     err = TRAIL_OK;
    if (line.size > TRAIL_EVENT_BYTES_MAX)
        err = error_set(&error, TRAIL_ETOOBIG, 0, "the event has %zu bytes, allowed are %d", line.size,
                        TRAIL_EVENT_BYTES_MAX);
    if (err == TRAIL_OK)
        err = event_from_json(line, &input->scratch, &event, &error);
    if (err == TRAIL_OK)
        err = event_check(&event, &error);
    if (err == TRAIL_ENOMEM)
        return false;
    if (err != TRAIL_OK) {
        tell_error(input, number, &error);
        return true;
    }
    size_t size = encoded_size(input, &event);
    if (size == 0)
        return false;
    simulation_offer(input->simulation, &event, size);
    return true;
}

static bool take_lines(struct input *input, struct lines *lines)
{
    const struct trail_error too_long = { .message = "longer than an event may be" };
    const char              *name = input->name != NULL ? input->name : "standard input";
    for (;;) {
        struct trail_text line;
        progress_show(&input->progress, input->simulation->events, lines->bytes);
        switch (lines_next(lines, &line)) {
        case LINES_END: return true;
        case LINES_STOPPED:
        case LINES_FAILED:
            progress_clear(&input->progress);
            fprintf(stderr, "audittrail simulate: cannot read %s: %s\n", name, strerror(errno));
            return false;
        case LINES_TOO_LONG: tell_error(input, lines->number, &too_long); break;
        case LINES_LINE:
            if (text_trim(line).size == 0 || take_line(input, lines->number, line))
                break;
            progress_clear(&input->progress);
            fputs("audittrail simulate: out of memory\n", stderr);
            return false;
        }
    }
}

/* 0: nobody knows how much there is to come. */
static uint64_t size_of(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
}

static bool read_lines(struct input *input, int fd)
{
    struct lines lines;
    bool         read = false;
    progress_begin(&input->progress, &(struct progress_work){ "events", size_of(fd), stderr, &clock_system });
    if (lines_open(&lines, fd, -1))
        read = take_lines(input, &lines);
    else
        fputs("audittrail simulate: out of memory\n", stderr);
    progress_clear(&input->progress);
    lines_close(&lines);
    return read;
}

bool simulate_input(struct simulation *simulation, const char *name, uint64_t *ret_lines_in_error)
{
    bool         is_stdin = strcmp(name, "-") == 0;
    struct input input = { .simulation = simulation, .name = is_stdin ? NULL : name };

    int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fprintf(stderr, "audittrail simulate: cannot open %s: %s\n", name, strerror(errno));
        return false;
    }
    buf_init(&input.scratch, NULL, 0);
    buf_init(&input.payload, NULL, 0);
    bool read = read_lines(&input, fd);
    buf_done(&input.payload);
    buf_done(&input.scratch);
    if (!is_stdin)
        close(fd);
    if (input.lines_in_error > ERRORS_PRINTED_MAX)
        fprintf(stderr, "audittrail simulate: %" PRIu64 " more lines in error\n",
                input.lines_in_error - ERRORS_PRINTED_MAX);
    *ret_lines_in_error = input.lines_in_error;
    return read;
}
