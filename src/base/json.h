/* json.h -- reads JSON text token by token, checking it as it goes, building no tree.
 *
 * One reader serves everything that looks into JSON here: redaction, the splitting of an NDJSON line into
 * its members, the diff of old and new values. Every token is a span of the input, so a value can be
 * kept as the very bytes that came in: no float drifts, no big integer is rounded.
 *
 * What it takes is RFC 8259 in UTF-8, nothing else: no NUL byte, no lone surrogate escapes, no trailing
 * comma, no text behind the value. Depth is limited, so hostile nesting costs a flag, not a stack.
 *
 * Thread: one owner per reader.
 * Memory: borrows the text until the reader is dropped; allocates nothing.
 * Errors: JSON_ERROR is final; reader->error (a static sentence) and reader->position say what and where. Bytes that
 *         are not UTF-8 are reported at the start of the non-ASCII run they stand in.
 */
#ifndef TRAIL_BASE_JSON_H
#define TRAIL_BASE_JSON_H

#include "base/buf.h"

/* Containers inside containers; 64 bits remember which kind each level is. */
#define JSON_DEPTH_MAX 64

enum json_token {
    JSON_ERROR,        /* Not JSON. Final. */
    JSON_END,          /* The text was one complete value. Final. */
    JSON_OBJECT_BEGIN, /* { */
    JSON_OBJECT_END,   /* } */
    JSON_ARRAY_BEGIN,  /* [ */
    JSON_ARRAY_END,    /* ] */
    JSON_KEY,          /* A member's name, quotes included in the span. The colon is consumed with it. */
    JSON_STRING,       /* Quotes included in the span. */
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL
};

struct json_reader {
    struct trail_text text;      /* The whole input. */
    size_t            position;  /* Next byte to look at; where the error is, after JSON_ERROR. */
    struct trail_text span;      /* The token just returned, as it stands in the input. */
    size_t            depth;     /* Open containers after the token just returned. */
    size_t            depth_max; /* JSON_DEPTH_MAX; a user who will wrap the value may lower it, at any time. */
    uint64_t          in_object; /* Bit n: the container at depth n + 1 is an object. */
    uint8_t           expect;    /* What may come next; private. */
    const char       *error;     /* After JSON_ERROR: a static sentence without position. */
};

void json_start(struct json_reader *reader, struct trail_text text);

/* The next token; sets span and depth. */
enum json_token json_next(struct json_reader *reader);

/* After JSON_KEY, or at the start: read one whole value and return its span without surrounding white space.
 * False: JSON_ERROR, as if json_next() had returned it. */
bool json_take_value(struct json_reader *reader, struct trail_text *ret_value);

/* The characters that a string or key token stands for: quotes off, escapes resolved. `span` is one
 * that json_next() returned. A \u0000 escape yields a NUL byte. When nothing is escaped the
 * result is a view into the span and nothing is appended; otherwise it is appended to `scratch` and the
 * result is valid until scratch changes. Check buf_failed(scratch). */
struct trail_text json_unescape(struct trail_text span, struct buf *scratch);

/* Append `text` (clean UTF-8) as a JSON string with its quotes. */
void json_append_string(struct buf *out, struct trail_text text);

/* Append "name": to the object that `out` ends in the middle of, with a comma unless it is the first member. */
void json_append_name(struct buf *out, const char *name);

#endif
