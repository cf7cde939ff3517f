/* fuzz_ndjson.c -- bytes on their way from a pipe to the store and out again: lines, events, frames, lines.
 *
 * Goal:   however the bytes come in, the lines are those of the whole; an event that is taken, redacted, encoded,
 *         decoded, printed and read again has the same fields; a second pass through all of it changes nothing more.
 * Method: libFuzzer with ASan and UBSan. The first byte says in pieces of which size a socket hands out the rest; a
 *         loop of five lines is what cli/lines.c is compared with. What JSON and redaction do by themselves is the
 *         matter of fuzz_json.c and fuzz_redact.c.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/lines.h"
#include "event/event_json.h"
#include "event/event_wire.h"
#include "event/operation.h"
#include "event/review.h"
#include "policy/redact.h"

/* More packets than this do not fit into a socket that nobody reads. */
#define PACKETS_MAX 100

#define VALUE_BYTES_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct redactor *redactor;

static void require(bool promise)
{
    if (!promise)
        abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    require(redactor_new(&redactor, TRAIL_TEXT("password,token,api_key"), VALUE_BYTES_MAX, NULL) == TRAIL_OK);
    return 0;
}

/* ---- An event ---- */

/* As the trail completes an event before it is stored. */
static void complete(struct trail_event *event)
{
    if (event->operation == TRAIL_OPERATION_AUTO)
        event->operation = operation_classify(event->action);
    if (event->timestamp_us < 1)
        event->timestamp_us = 1;
    if (event->timestamp_us > CLOCK_WALL_US_MAX)
        event->timestamp_us = CLOCK_WALL_US_MAX;
    event->requires_review = review_required(event, event->operation) ? TRAIL_REVIEW_YES : TRAIL_REVIEW_NO;
}

static void require_same(const struct trail_event *a, const struct trail_event *b, bool context_too)
{
    require(a->operation == b->operation && a->outcome == b->outcome);
    require(a->data_classification == b->data_classification && a->requires_review == b->requires_review);
    require(a->timestamp_us == b->timestamp_us);
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        /* The members that are derived are in the context as well when it was printed. */
        if (i != EVENT_context || context_too)
            require(text_equal(event_text(a, (enum event_field)i), event_text(b, (enum event_field)i)));
    }
}

/* Where one round through everything keeps its texts. */
struct round {
    struct buf redacted;
    struct buf payload;
    struct buf printed;
    struct buf scratch;
};

static void round_init(struct round *round)
{
    buf_init(&round->redacted, NULL, 0);
    buf_init(&round->payload, NULL, 0);
    buf_init(&round->printed, NULL, 0);
    buf_init(&round->scratch, NULL, 0);
}

static void round_done(struct round *round)
{
    buf_done(&round->redacted);
    buf_done(&round->payload);
    buf_done(&round->printed);
    buf_done(&round->scratch);
}

/* Redact and encode `event`, and decode it again. */
static void keep(struct trail_event *event, struct round *round, struct event_record *ret_record, uint32_t *flags)
{
    struct buf *payload = &round->payload;
    require(redact_event(redactor, event, &round->redacted, flags) == TRAIL_OK);
    require(event_encode(event, 1, payload, flags) == TRAIL_OK);
    require(event_peek_operation(buf_text(payload)) == event->operation);
    require(event_decode(buf_text(payload), ret_record) == TRAIL_OK);
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        struct trail_text text = event_text(&ret_record->event, (enum event_field)i);
        bool              is_json = event_fields[i].kind == EVENT_FIELD_JSON;
        require(text_is_clean(text));
        require(text.size <= (is_json ? VALUE_BYTES_MAX : event_fields[i].limit_bytes));
    }
    ret_record->seq = 7;
    ret_record->flags = *flags;
}

static void print_and_read(const struct event_record *record, struct round *round, struct trail_event *ret_again)
{
    static const struct uuid writer = { { 1, 2, 3 } };
    struct buf              *printed = &round->printed;
    event_to_json(record, &writer, printed);
    require(!buf_failed(printed) && printed->size > 0);
    require(memchr(printed->data, '\n', printed->size) == NULL && text_is_clean(buf_text(printed)));
    require(event_from_json(buf_text(printed), &round->scratch, ret_again, NULL) == TRAIL_OK);
}

static void follow(struct trail_event *event)
{
    struct event_record first;
    struct event_record second;
    struct trail_event  read;
    struct trail_event  read_again;
    struct round        rounds[2];
    uint32_t            flags = 0;
    uint32_t            more = 0;

    round_init(&rounds[0]);
    round_init(&rounds[1]);
    complete(event);
    keep(event, &rounds[0], &first, &flags);
    print_and_read(&first, &rounds[0], &read);

    /* What was stored comes back in: nothing is left to redact, to cut or to repair. The context is taken as it was,
     * because what was printed holds the derived members as well. (Line breaks inside a value are printed as spaces:
     * the first print is what the second is compared with.) */
    struct trail_event once_more = read;
    once_more.context = first.event.context;
    keep(&once_more, &rounds[1], &second, &more);
    require((more & ~(uint32_t)TRAIL_FLAG_REDACTED) == 0);
    require_same(&second.event, &once_more, true);
    print_and_read(&second, &rounds[1], &read_again);
    require_same(&read, &read_again, false);
    round_done(&rounds[0]);
    round_done(&rounds[1]);
}

static void take_line(struct trail_text line)
{
    struct trail_error error = { .message = "" };
    struct trail_event event;
    struct buf         scratch;

    buf_init(&scratch, NULL, 0);
    enum trail_err err = event_from_json(line, &scratch, &event, &error);
    if (err == TRAIL_OK)
        err = event_check(&event, &error);
    if (err == TRAIL_OK)
        follow(&event);
    else
        require(error.code == err && error.message[0] != '\0' && text_is_clean(trail_str(error.message)));
    buf_done(&scratch);
}

/* ---- Lines ---- */

/* The next line of the whole, as lines.h describes it. */
static bool next_expected(struct trail_text *rest, bool first, struct trail_text *ret_line)
{
    if (rest->size == 0)
        return false;
    const char *newline = memchr(rest->data, '\n', rest->size);
    size_t      size = newline != NULL ? (size_t)(newline - rest->data) : rest->size;
    size_t      step = newline != NULL ? size + 1 : size;
    *ret_line = text_of(rest->data, size);
    *rest = text_of(rest->data + step, rest->size - step);
    if (size > 0 && ret_line->data[size - 1] == '\r')
        ret_line->size--;
    if (first && text_starts_with(*ret_line, TRAIL_TEXT("\xEF\xBB\xBF")))
        *ret_line = text_of(ret_line->data + 3, ret_line->size - 3);
    return true;
}

/* A socket from which `text` can be read in pieces, and then its end. */
static int hand_out(struct trail_text text, size_t piece)
{
    int ends[2];
    require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    if (text.size / piece >= PACKETS_MAX)
        piece = text.size / PACKETS_MAX + 1;
    while (text.size > 0) {
        size_t size = text.size < piece ? text.size : piece;
        require(send(ends[1], text.data, size, MSG_DONTWAIT) == (ssize_t)size);
        text = text_of(text.data + size, text.size - size);
    }
    close(ends[1]);
    return ends[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lines      lines;
    struct trail_text line;
    struct trail_text expected;
    if (size == 0)
        return 0;

    struct trail_text rest = text_of((const char *)data + 1, size - 1);
    int               fd = hand_out(rest, (size_t)data[0] + 1);
    uint64_t          number = 0;
    require(lines_open(&lines, fd, -1));
    while (lines_next(&lines, &line) == LINES_LINE) {
        require(next_expected(&rest, number == 0, &expected) && text_equal(line, expected));
        require(lines.number == ++number);
        take_line(line);
    }
    require(rest.size == 0 && lines_next(&lines, &line) == LINES_END);
    lines_close(&lines);
    close(fd);
    return 0;
}
