/* redact.c -- takes secrets and oversized values out of an event before anything is stored. */
#include "policy/redact.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/sha256.h"
#include "base/text.h"
#include "policy/secret.h"

struct redactor {
    struct secret_names secrets;
    size_t              value_bytes_max;
};

/* ---- Building ----------------------------------------------------------------------------------- */

enum trail_err redactor_new(struct redactor **ret_redactor, struct trail_text fields, size_t value_bytes_max,
                            struct trail_error *ret_error)
{
    assert(ret_redactor != NULL);

    if (value_bytes_max < REDACT_VALUE_BYTES_MIN)
        return error_set(ret_error, TRAIL_ECONFIG, 0, "AUDIT_TRAIL_MAX_VALUE_BYTES: %zu is less than %d",
                         value_bytes_max, REDACT_VALUE_BYTES_MIN);

    /* Found out now, not with the first oversized value. */
    struct sha256  sha256;
    enum trail_err err = sha256_init(&sha256);
    if (err != TRAIL_OK)
        return error_set(ret_error, err, 0, "SHA-256 is not to be had from OpenSSL");
    sha256_done(&sha256);

    struct redactor *redactor = calloc(1, sizeof *redactor);
    if (redactor == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for the names of secret keys");
    redactor->value_bytes_max = value_bytes_max;
    err = secret_names_init(&redactor->secrets, fields, ret_error);
    if (err != TRAIL_OK) {
        free(redactor);
        return err;
    }
    *ret_redactor = redactor;
    return TRAIL_OK;
}

void redactor_free(struct redactor *redactor)
{
    if (redactor == NULL)
        return;
    secret_names_done(&redactor->secrets);
    free(redactor);
}

/* ---- One pass over a value ---------------------------------------------------------------------- */

/* Nothing is copied until the first secret: then out[start..] holds what text[0..copied) became. */
struct pass {
    const struct redactor *redactor;
    struct trail_text      text;
    struct buf            *out;
    size_t                 start;
    size_t                 copied;
    size_t                 good; /* text[0..good) is whole tokens. */
    bool                   redacted;
    enum json_token        first;  /* The outermost value's first token. */
    const char            *reason; /* Why it is not what it should be; NULL = it is. */
    size_t                 position;
};

/* Copy up to `end`, which makes up for what was not copied so far. */
static void copy_to(struct pass *pass, size_t end)
{
    if (end > pass->copied)
        buf_append(pass->out, pass->text.data + pass->copied, end - pass->copied);
    pass->copied = end;
}

static bool is_secret(struct pass *pass, struct trail_text key)
{
    struct trail_text name = text_of(key.data + 1, key.size - 2);
    if (memchr(name.data, '\\', name.size) == NULL)
        return secret_names_has(&pass->redactor->secrets, name);
    if (name.size > 6 * (size_t)SECRET_NAME_BYTES_MAX)
        return false; /* Too long even if every character is written as \uXXXX. */

    size_t mark = pass->out->size;
    name = json_unescape(key, pass->out);
    bool secret = !buf_failed(pass->out) && secret_names_has(&pass->redactor->secrets, name);
    if (!buf_failed(pass->out))
        pass->out->size = mark;
    return secret;
}

/* Read the value to its end. False: it is not JSON; an error inside the value of a secret key takes that value and all
 * that follows. */
static bool read_json(struct pass *pass)
{
    struct json_reader reader;
    json_start(&reader, pass->text);
    enum json_token token = pass->first = json_next(&reader);
    while (token != JSON_END && token != JSON_ERROR) {
        pass->good = reader.position;
        if (token == JSON_KEY && is_secret(pass, reader.span)) {
            struct trail_text value;
            bool              whole = json_take_value(&reader, &value);
            copy_to(pass, whole ? (size_t)(value.data - pass->text.data) : pass->good);
            buf_append_string(pass->out, "\"" SECRET_REPLACEMENT "\"");
            pass->copied = pass->good = whole ? reader.position : pass->text.size;
            pass->redacted = true;
        }
        token = json_next(&reader);
    }
    if (token == JSON_END)
        return true;
    pass->reason = reader.error;
    pass->position = reader.position;
    return false;
}

/* ---- Replacements ------------------------------------------------------------------------------- */

static enum trail_err replace_oversized(struct pass *pass, struct trail_text redacted)
{
    uint8_t        digest[SHA256_BYTES];
    char           hex[SHA256_HEX_SIZE];
    struct sha256  sha256;
    enum trail_err err = sha256_init(&sha256);
    if (err != TRAIL_OK)
        return err;
    err = sha256_digest(&sha256, redacted, digest);
    sha256_done(&sha256);
    if (err != TRAIL_OK)
        return err;

    sha256_hex(digest, hex);
    pass->out->size = pass->start;
    buf_printf(pass->out, "{\"_truncated\": true, \"_bytes\": %zu, \"_sha256\": \"%s\"}", redacted.size, hex);
    return TRAIL_OK;
}

/* Finish a value that is what it should be. */
static enum trail_err check_size(struct pass *pass, uint32_t *flags)
{
    struct trail_text whole = pass->text;
    if (pass->redacted) {
        copy_to(pass, pass->text.size);
        if (buf_failed(pass->out))
            return TRAIL_ENOMEM;
        whole = text_of(pass->out->data + pass->start, pass->out->size - pass->start);
    }
    if (whole.size <= pass->redactor->value_bytes_max)
        return TRAIL_OK;
    *flags |= TRAIL_FLAG_TRUNCATED;
    return replace_oversized(pass, whole);
}

/* How much of clean text fits into `room` bytes once it is escaped as json_append_string() does, whole characters. */
static size_t fitting_prefix(struct trail_text text, size_t room)
{
    size_t used = 0;
    size_t at = 0;
    while (at < text.size) {
        unsigned char c = (unsigned char)text.data[at];
        size_t        cost = 1;
        if (c == '"' || c == '\\' || (c >= '\b' && c <= '\r' && c != '\v'))
            cost = 2;
        else if (c < 0x20)
            cost = 6;
        if (used + cost > room)
            break;
        used += cost;
        at++;
    }
    while (at > 0 && at < text.size && ((unsigned char)text.data[at] & 0xC0) == 0x80)
        at--;
    return at;
}

/* Put out[start..], text that is not JSON, into an object, clean and cut so that the object keeps to the limit. */
static enum trail_err wrap_unparsed(struct pass *pass, uint32_t *flags)
{
    static const char front[] = "{\"_unparsed\": ";
    static const char middle[] = ", \"_reason\": ";

    char      reason[128];
    const int reason_size = pass->position < pass->text.size
                                ? snprintf(reason, sizeof reason, "%.80s (byte %zu)", pass->reason, pass->position)
                                : snprintf(reason, sizeof reason, "%.80s", pass->reason);
    /* The frame, its two pairs of quotes, the closing brace. The sentences have nothing to escape. */
    size_t room = pass->redactor->value_bytes_max - (sizeof front - 1 + sizeof middle - 1 + 5) - (size_t)reason_size;

    struct buf clean;
    char       storage[1024];
    buf_init(&clean, storage, sizeof storage);
    char *to = buf_reserve(&clean, room);
    if (to == NULL) {
        buf_done(&clean);
        return TRAIL_ENOMEM;
    }
    struct trail_text raw = text_of(pass->out->data + pass->start, pass->out->size - pass->start);
    size_t            cleaned = text_clean(raw, room, to, flags);
    size_t            fitting = fitting_prefix(text_of(to, cleaned), room);
    if (fitting < cleaned)
        *flags |= TRAIL_FLAG_TRUNCATED;

    pass->out->size = pass->start;
    buf_append_string(pass->out, front);
    json_append_string(pass->out, text_of(to, fitting));
    buf_append_string(pass->out, middle);
    json_append_string(pass->out, text_of(reason, (size_t)reason_size));
    buf_append_string(pass->out, "}");
    buf_done(&clean);
    return TRAIL_OK;
}

static enum trail_err replace_unparsed(struct pass *pass, uint32_t *flags)
{
    /* One string or number and nothing else says no more than text does, and is looked at as such. */
    if (pass->first != JSON_OBJECT_BEGIN && pass->first != JSON_ARRAY_BEGIN)
        pass->good = 0;

    copy_to(pass, pass->good);
    struct trail_text rest = text_of(pass->text.data + pass->good, pass->text.size - pass->good);
    if (secret_redact_text(&pass->redactor->secrets, rest, pass->out))
        pass->redacted = true;
    *flags |= TRAIL_FLAG_UNPARSED;
    return buf_failed(pass->out) ? TRAIL_ENOMEM : wrap_unparsed(pass, flags);
}

/* ---- An event ----------------------------------------------------------------------------------- */

/* Redact one value. The result is out[start..]; nothing there: the text is to stay as it is. */
static enum trail_err redact_value(struct pass *pass, bool must_be_object, uint32_t *flags)
{
    bool parsed = read_json(pass);
    if (parsed && must_be_object && pass->first != JSON_OBJECT_BEGIN) {
        pass->reason = "it is not an object";
        pass->position = pass->text.size; /* No place to name. */
        parsed = false;
    }

    enum trail_err err = parsed ? check_size(pass, flags) : replace_unparsed(pass, flags);
    if (pass->redacted)
        *flags |= TRAIL_FLAG_REDACTED;
    return buf_failed(pass->out) ? TRAIL_ENOMEM : err;
}

/* The fields that hold JSON, out of fields.def. */
static const enum event_field json_fields[] = {
#define FIELD_REQUIRED(member)
#define FIELD_OPTIONAL(member)
#define FIELD_JSON(member) EVENT_##member,
#define FIELD(member, limit, kind) FIELD_##kind(member)
#include "event/fields.def"
#undef FIELD
};

#define JSON_FIELD_COUNT (sizeof json_fields / sizeof json_fields[0])

static struct trail_text without_query(struct trail_text path)
{
    static const char marks[] = { '?', '#' };
    for (size_t i = 0; i < sizeof marks && path.size > 0; i++) {
        const char *mark = memchr(path.data, marks[i], path.size);
        if (mark != NULL)
            path.size = (size_t)(mark - path.data);
    }
    return path;
}

enum trail_err redact_event(const struct redactor *redactor, struct trail_event *event, struct buf *scratch,
                            uint32_t *flags)
{
    assert(flags != NULL);

    /* Where the results lie: scratch moves while it grows, so the event is pointed at them at the end. */
    struct {
        size_t start;
        size_t size;
    } moved[JSON_FIELD_COUNT] = { { 0, 0 } };
    uint32_t found = 0;

    buf_clear(scratch);
    for (size_t i = 0; i < JSON_FIELD_COUNT; i++) {
        struct trail_text text = event_text(event, json_fields[i]);
        if (text.size == 0)
            continue;
        struct pass    pass = { .redactor = redactor, .text = text, .out = scratch, .start = scratch->size };
        enum trail_err err = redact_value(&pass, json_fields[i] != EVENT_delegation_chain, &found);
        if (err != TRAIL_OK)
            return err;
        moved[i].start = pass.start;
        moved[i].size = scratch->size - pass.start;
    }

    for (size_t i = 0; i < JSON_FIELD_COUNT; i++) {
        if (moved[i].size > 0)
            *event_text_at(event, json_fields[i]) = text_of(scratch->data + moved[i].start, moved[i].size);
    }
    event->request_path = without_query(event->request_path);
    *flags |= found;
    return TRAIL_OK;
}
