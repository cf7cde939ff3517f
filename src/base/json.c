/* json.c -- reads JSON text token by token, checking it as it goes, building no tree. */
#include "base/json.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"

/* What may come next, in reader->expect. */
enum expect {
    EXPECT_VALUE,
    EXPECT_VALUE_OR_END, /* Behind `[`. */
    EXPECT_KEY_OR_END,   /* Behind `{`. */
    EXPECT_COMMA_OR_END, /* Behind a value inside a container. */
    EXPECT_NOTHING,      /* Behind the outermost value. */
    EXPECT_FAILED
};

#define EVERY_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte of a word is its lowest");
_Static_assert(JSON_DEPTH_MAX <= 64, "in_object has one bit per level");

/* The high bit of each byte of `word` that is `"`, `\`, a control character, or has one of the bits `also`. Only the
 * lowest one found is exact: a subtraction borrows upwards from it. */
static inline uint64_t special_bytes(uint64_t word, uint64_t also)
{
    uint64_t quote = word ^ EVERY_BYTE('"');
    uint64_t escape = word ^ EVERY_BYTE('\\');
    uint64_t found = ((quote - EVERY_BYTE(1)) & ~quote) | ((escape - EVERY_BYTE(1)) & ~escape) |
                     ((word - EVERY_BYTE(0x20)) & ~word) | (word & also);
    return found & EVERY_BYTE(0x80);
}

/* How many leading bytes of a string stand for themselves, counted eight at a time. `also` is EVERY_BYTE(0x80) to
 * stop at what is not ASCII, 0 to take it along. */
static inline size_t plain_prefix(const char *data, size_t size, uint64_t also)
{
    size_t i = 0;
    for (; size - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, data + i, 8);
        uint64_t found = special_bytes(word, also);
        if (found != 0)
            return i + (size_t)__builtin_ctzll(found) / 8;
    }
    while (i < size && special_bytes((unsigned char)data[i] | EVERY_BYTE(' ') << 8, also) == 0)
        i++;
    return i;
}

static enum json_token fail(struct json_reader *reader, size_t position, const char *error)
{
    reader->position = position;
    reader->error = error;
    reader->expect = EXPECT_FAILED;
    return JSON_ERROR;
}

void json_start(struct json_reader *reader, struct trail_text text)
{
    *reader = (struct json_reader){ .text = text, .depth_max = JSON_DEPTH_MAX, .expect = EXPECT_VALUE };
}

/* ---- Strings ---------------------------------------------------------------------------------- */

/* The number written as `\uXXXX` at `at`; -1 if something else stands there. */
static int32_t code_unit(const char *at, size_t available)
{
    if (available < 6 || at[0] != '\\' || at[1] != 'u')
        return -1;
    int32_t unit = 0;
    for (size_t i = 2; i < 6; i++) {
        int digit = text_hex_digit(at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static bool is_surrogate(int32_t unit)
{
    return unit >= 0xD800 && unit <= 0xDFFF;
}

/* The size of the valid escape at `at`, both halves of a pair together; 0: *ret_error says why not. */
static size_t escape_size(const char *at, size_t available, const char **ret_error)
{
    if (available >= 2 && at[1] != '\0' && strchr("\"\\/bfnrt", at[1]) != NULL)
        return 2;

    int32_t unit = code_unit(at, available);
    if (unit < 0) {
        *ret_error = "an escape is not one of JSON's";
        return 0;
    }
    if (!is_surrogate(unit))
        return 6;

    int32_t low = code_unit(at + 6, available - 6);
    if (unit >= 0xDC00 || low < 0xDC00 || low > 0xDFFF) {
        *ret_error = "an escape is half of a surrogate pair";
        return 0;
    }
    return 12;
}

static size_t non_ascii_prefix(const char *data, size_t size)
{
    size_t i = 0;
    while (i < size && ((unsigned char)data[i] & 0x80) != 0)
        i++;
    return i;
}

/* Step over the string whose opening quote is next. */
static enum json_token take_string(struct json_reader *reader)
{
    const char *data = reader->text.data;
    size_t      size = reader->text.size;
    size_t      start = reader->position;
    size_t      at = start + 1;

    for (;;) {
        at += plain_prefix(data + at, size - at, EVERY_BYTE(0x80));
        if (at == size)
            return fail(reader, start, "a string is not closed");
        unsigned char c = (unsigned char)data[at];
        if (c == '"')
            break;
        if (c < 0x20)
            return fail(reader, at, "a control character in a string is not escaped");
        if (c == '\\') {
            const char *error = NULL;
            size_t      step = escape_size(data + at, size - at, &error);
            if (step == 0)
                return fail(reader, at, error);
            at += step;
        } else {
            size_t run = non_ascii_prefix(data + at, size - at);
            if (!text_is_clean(text_of(data + at, run)))
                return fail(reader, at, "a string is not UTF-8");
            at += run;
        }
    }
    reader->span = text_of(data + start, at + 1 - start);
    reader->position = at + 1;
    return JSON_STRING;
}

/* ---- Numbers and names ------------------------------------------------------------------------ */

static size_t digits_prefix(struct trail_text text, size_t at)
{
    size_t count = 0;
    while (at + count < text.size && text.data[at + count] >= '0' && text.data[at + count] <= '9')
        count++;
    return count;
}

static bool one_of(struct trail_text text, size_t at, const char *any_of)
{
    return at < text.size && text.data[at] != '\0' && strchr(any_of, text.data[at]) != NULL;
}

static enum json_token take_number(struct json_reader *reader)
{
    struct trail_text text = reader->text;
    size_t            at = reader->position;
    size_t            digits = 0;

    if (one_of(text, at, "-"))
        at++;
    digits = digits_prefix(text, at);
    if (digits == 0)
        return fail(reader, at, "a number has no digits");
    if (digits > 1 && text.data[at] == '0')
        return fail(reader, at, "a number starts with a zero");
    at += digits;
    if (one_of(text, at, ".")) {
        digits = digits_prefix(text, at + 1);
        if (digits == 0)
            return fail(reader, at, "a number has no digits behind its point");
        at += 1 + digits;
    }
    if (one_of(text, at, "eE")) {
        size_t sign = one_of(text, at + 1, "+-") ? 1 : 0;
        digits = digits_prefix(text, at + 1 + sign);
        if (digits == 0)
            return fail(reader, at, "a number has no digits in its exponent");
        at += 1 + sign + digits;
    }
    reader->span = text_of(text.data + reader->position, at - reader->position);
    reader->position = at;
    return JSON_NUMBER;
}

static enum json_token take_name(struct json_reader *reader, struct trail_text name, enum json_token token)
{
    struct trail_text rest = text_of(reader->text.data + reader->position, reader->text.size - reader->position);
    if (!text_starts_with(rest, name))
        return fail(reader, reader->position, "a value is not one of JSON's");
    reader->span = text_of(rest.data, name.size);
    reader->position += name.size;
    return token;
}

/* ---- The grammar ------------------------------------------------------------------------------ */

static void skip_space(struct json_reader *reader)
{
    const char *data = reader->text.data;
    size_t      at = reader->position;
    while (at < reader->text.size && (data[at] == ' ' || data[at] == '\n' || data[at] == '\r' || data[at] == '\t'))
        at++;
    reader->position = at;
}

/* The next byte, or NUL at the end; a NUL inside the text starts no token either. */
static char next_byte(const struct json_reader *reader)
{
    return reader->position < reader->text.size ? reader->text.data[reader->position] : '\0';
}

static void expect_what_follows_a_value(struct json_reader *reader)
{
    reader->expect = reader->depth > 0 ? EXPECT_COMMA_OR_END : EXPECT_NOTHING;
}

static bool in_object(const struct json_reader *reader)
{
    return (reader->in_object >> (reader->depth - 1) & 1) != 0;
}

static enum json_token open_container(struct json_reader *reader, bool object)
{
    if (reader->depth >= reader->depth_max)
        return fail(reader, reader->position, "it is nested too deep");
    assert(reader->depth < JSON_DEPTH_MAX);
    uint64_t bit = UINT64_C(1) << reader->depth;
    reader->in_object = object ? reader->in_object | bit : reader->in_object & ~bit;
    reader->depth++;
    reader->expect = object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
    reader->span = text_of(reader->text.data + reader->position, 1);
    reader->position++;
    return object ? JSON_OBJECT_BEGIN : JSON_ARRAY_BEGIN;
}

static enum json_token close_container(struct json_reader *reader)
{
    bool object = in_object(reader);
    reader->span = text_of(reader->text.data + reader->position, 1);
    reader->position++;
    reader->depth--;
    expect_what_follows_a_value(reader);
    return object ? JSON_OBJECT_END : JSON_ARRAY_END;
}

static enum json_token take_key(struct json_reader *reader)
{
    if (next_byte(reader) != '"')
        return fail(reader, reader->position, "the name of a member is missing");
    if (take_string(reader) == JSON_ERROR)
        return JSON_ERROR;
    skip_space(reader);
    if (next_byte(reader) != ':')
        return fail(reader, reader->position, "a colon is missing");
    reader->position++;
    reader->expect = EXPECT_VALUE;
    return JSON_KEY;
}

static enum json_token take_scalar(struct json_reader *reader)
{
    switch (next_byte(reader)) {
    case '"': return take_string(reader);
    case 't': return take_name(reader, TRAIL_TEXT("true"), JSON_TRUE);
    case 'f': return take_name(reader, TRAIL_TEXT("false"), JSON_FALSE);
    case 'n': return take_name(reader, TRAIL_TEXT("null"), JSON_NULL);
    default: break;
    }
    if (next_byte(reader) == '-' || (next_byte(reader) >= '0' && next_byte(reader) <= '9'))
        return take_number(reader);
    return fail(reader, reader->position, "a value is missing");
}

static enum json_token take_value(struct json_reader *reader)
{
    if (next_byte(reader) == '{')
        return open_container(reader, true);
    if (next_byte(reader) == '[')
        return open_container(reader, false);

    enum json_token token = take_scalar(reader);
    if (token != JSON_ERROR)
        expect_what_follows_a_value(reader);
    return token;
}

static enum json_token take_comma_or_end(struct json_reader *reader)
{
    bool object = in_object(reader);
    char next = next_byte(reader);
    if (next == (object ? '}' : ']'))
        return close_container(reader);
    if (next != ',')
        return fail(reader, reader->position, "a comma or a closing bracket is missing");
    reader->position++;
    skip_space(reader);
    return object ? take_key(reader) : take_value(reader);
}

enum json_token json_next(struct json_reader *reader)
{
    skip_space(reader);
    switch ((enum expect)reader->expect) {
    case EXPECT_COMMA_OR_END: return take_comma_or_end(reader);
    case EXPECT_VALUE: return take_value(reader);
    case EXPECT_VALUE_OR_END: return next_byte(reader) == ']' ? close_container(reader) : take_value(reader);
    case EXPECT_KEY_OR_END: return next_byte(reader) == '}' ? close_container(reader) : take_key(reader);
    case EXPECT_NOTHING:
        if (reader->position == reader->text.size)
            return JSON_END;
        return fail(reader, reader->position, "there is text behind the value");
    case EXPECT_FAILED: break;
    }
    return JSON_ERROR;
}

bool json_take_value(struct json_reader *reader, struct trail_text *ret_value)
{
    assert(reader->expect == EXPECT_VALUE || reader->expect == EXPECT_FAILED);

    size_t          depth = reader->depth;
    enum json_token token = json_next(reader);
    if (token == JSON_ERROR)
        return false;
    const char *start = reader->span.data;
    while (reader->depth > depth) {
        if (json_next(reader) == JSON_ERROR)
            return false;
    }
    *ret_value = text_of(start, (size_t)(reader->text.data + reader->position - start));
    return true;
}

/* ---- Characters ------------------------------------------------------------------------------- */

static size_t put_utf8(char *out, uint32_t character)
{
    if (character < 0x80) {
        out[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        out[0] = (char)(0xC0 | character >> 6);
        out[1] = (char)(0x80 | (character & 0x3F));
        return 2;
    }
    if (character < 0x10000) {
        out[0] = (char)(0xE0 | character >> 12);
        out[1] = (char)(0x80 | (character >> 6 & 0x3F));
        out[2] = (char)(0x80 | (character & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | character >> 18);
    out[1] = (char)(0x80 | (character >> 12 & 0x3F));
    out[2] = (char)(0x80 | (character >> 6 & 0x3F));
    out[3] = (char)(0x80 | (character & 0x3F));
    return 4;
}

/* Write what the checked escape at `at` stands for; *ret_step is its size. */
static size_t put_escape(char *out, const char *at, size_t available, size_t *ret_step)
{
    static const char letters[] = "bfnrt";
    static const char meanings[] = "\b\f\n\r\t";

    if (at[1] != 'u') {
        const char *letter = strchr(letters, at[1]);
        out[0] = letter != NULL ? meanings[letter - letters] : at[1];
        *ret_step = 2;
        return 1;
    }
    int32_t unit = code_unit(at, available);
    *ret_step = 6;
    if (!is_surrogate(unit))
        return put_utf8(out, (uint32_t)unit);
    int32_t low = code_unit(at + 6, available - 6);
    *ret_step = 12;
    return put_utf8(out, 0x10000u + ((uint32_t)(unit - 0xD800) << 10) + (uint32_t)(low - 0xDC00));
}

struct trail_text json_unescape(struct trail_text span, struct buf *scratch)
{
    assert(span.size >= 2);

    struct trail_text rest = text_of(span.data + 1, span.size - 2);
    const char       *escape = rest.size > 0 ? memchr(rest.data, '\\', rest.size) : NULL;
    if (escape == NULL)
        return rest;

    /* No escape is shorter than what it stands for. */
    char *out = buf_reserve(scratch, rest.size);
    if (out == NULL)
        return (struct trail_text){ 0 };
    size_t written = 0;
    while (rest.size > 0) {
        size_t plain = escape != NULL ? (size_t)(escape - rest.data) : rest.size;
        memcpy(out + written, rest.data, plain);
        written += plain;
        rest = text_of(rest.data + plain, rest.size - plain);
        if (rest.size == 0)
            break;
        size_t step = 0;
        written += put_escape(out + written, rest.data, rest.size, &step);
        rest = text_of(rest.data + step, rest.size - step);
        escape = memchr(rest.data, '\\', rest.size);
    }
    scratch->size += written;
    return text_of(out, written);
}

static void append_escape(struct buf *out, char c)
{
    static const char meanings[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";

    const char *known = c != '\0' ? strchr(meanings, c) : NULL;
    if (known != NULL)
        buf_append(out, (const char[2]){ '\\', letters[known - meanings] }, 2);
    else
        buf_printf(out, "\\u%04x", (unsigned)(unsigned char)c);
}

void json_append_string(struct buf *out, struct trail_text text)
{
    buf_append(out, "\"", 1);
    while (text.size > 0) {
        size_t plain = plain_prefix(text.data, text.size, 0);
        buf_append(out, text.data, plain);
        if (plain < text.size)
            append_escape(out, text.data[plain++]);
        text = text_of(text.data + plain, text.size - plain);
    }
    buf_append(out, "\"", 1);
}

void json_append_name(struct buf *out, const char *name)
{
    if (out->size > 0 && out->data[out->size - 1] != '{')
        buf_append_string(out, ",");
    json_append_string(out, trail_str(name));
    buf_append_string(out, ":");
}
