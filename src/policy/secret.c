/* secret.c -- the names of keys whose values are secret, and how to take those values out of text that is not JSON. */
#include "policy/secret.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

_Static_assert(SECRET_NAME_BYTES_MAX < 64, "struct secret_names has a bit for every size");

/* ---- Names -------------------------------------------------------------------------------------- */

static char fold(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c | 0x20);
    return c == '-' ? '_' : c;
}

static bool is_name(struct trail_text folded, struct trail_text name)
{
    if (folded.size != name.size)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        if (folded.data[i] != fold(name.data[i]))
            return false;
    }
    return true;
}

bool secret_names_has(const struct secret_names *names, struct trail_text name)
{
    if (name.size == 0 || name.size > SECRET_NAME_BYTES_MAX ||
        (names->sizes[fold(name.data[0]) & 31] >> name.size & 1) == 0)
        return false;
    for (size_t i = 0; i < names->count; i++) {
        if (is_name(names->names[i], name))
            return true;
    }
    return false;
}

enum trail_err secret_names_init(struct secret_names *names, struct trail_text fields, struct trail_error *ret_error)
{
    assert(names != NULL);

    static const struct text_list_limits limits = { "AUDIT_TRAIL_REDACT_FIELDS", SECRET_NAME_BYTES_MAX,
                                                    SECRET_NAMES_MAX };

    *names = (struct secret_names){ 0 };
    size_t         count = 0;
    enum trail_err err = text_list_count(fields, &limits, &count, ret_error);
    if (err != TRAIL_OK || count == 0)
        return err;

    names->names = calloc(count, sizeof *names->names);
    names->bytes = malloc(fields.size);
    if (names->names == NULL || names->bytes == NULL) {
        secret_names_done(names);
        return error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for the names of secret keys");
    }

    char             *at = names->bytes;
    struct trail_text item;
    while (text_next_item(&fields, &item)) {
        if (item.size == 0 || secret_names_has(names, item))
            continue;
        for (size_t i = 0; i < item.size; i++)
            at[i] = fold(item.data[i]);
        names->names[names->count++] = text_of(at, item.size);
        names->sizes[at[0] & 31] |= UINT64_C(1) << item.size;
        at += item.size;
    }
    return TRAIL_OK;
}

void secret_names_done(struct secret_names *names)
{
    if (names == NULL)
        return;
    free(names->names);
    free(names->bytes);
    *names = (struct secret_names){ 0 };
}

/* ---- Characters --------------------------------------------------------------------------------- */

/* One byte of the text, and how many bytes it is written with. */
struct character {
    char   byte;
    size_t size;
};

/* The byte at `at`, read through %XX and \u00XX. */
static struct character character_at(struct trail_text text, size_t at)
{
    const char *data = text.data + at;
    size_t      left = text.size - at;
    size_t      digits = 0; /* Where the two digits stand. */
    if (data[0] == '%' && left >= 3)
        digits = 1;
    else if (left >= 6 && memcmp(data, "\\u00", 4) == 0)
        digits = 4;

    int high = digits != 0 ? text_hex_digit(data[digits]) : -1;
    int low = digits != 0 ? text_hex_digit(data[digits + 1]) : -1;
    if (high >= 0 && low >= 0)
        return (struct character){ (char)(high << 4 | low), digits + 2 };
    return (struct character){ data[0], 1 };
}

static bool is_one_of(char c, const char *characters)
{
    return c != '\0' && strchr(characters, c) != NULL;
}

static bool is_quote(char c)
{
    return is_one_of(c, "\"'`");
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           ((unsigned char)c & 0x80) != 0;
}

/* ---- Values ------------------------------------------------------------------------------------- */

/* A value behind a secret name. */
struct value {
    size_t start;
    size_t end;
    bool   in_form; /* Behind `=`: ends at `&`. */
};

static size_t skip(struct trail_text text, size_t at, const char *characters)
{
    while (at < text.size) {
        struct character c = character_at(text, at);
        if (!is_one_of(c.byte, characters))
            break;
        at += c.size;
    }
    return at;
}

/* Find where the value starts whose name ends at `at`: behind brackets and quotes that close the name, and `:` or `=`.
 * A quoted name with something else behind it has lost its colon; that is taken for the value too. */
static bool find_start(struct trail_text text, size_t at, struct value *ret_value)
{
    bool             quoted = false;
    struct character c = { 0 };
    for (; at < text.size; at += c.size) {
        c = character_at(text, at);
        if (is_quote(c.byte))
            quoted = true;
        else if (!is_one_of(c.byte, " \t\r\n\\])"))
            break;
    }
    if (at == text.size)
        return false;

    if (c.byte == ':' || c.byte == '=') {
        ret_value->in_form = c.byte == '=';
        ret_value->start = skip(text, at + c.size, c.byte == '=' ? " \t" : " \t\r\n");
        return true;
    }
    ret_value->in_form = false;
    ret_value->start = at;
    return quoted && !is_one_of(c.byte, ",;}");
}

/* The end of a value whose opening quote was behind `escapes` backslashes and ended at `at`. A quote inside the value
 * has more of them than the opening one, or an odd number if that had none. */
static size_t end_of_quoted(struct trail_text text, size_t at, char quote, size_t escapes)
{
    size_t run = 0;
    while (at < text.size) {
        struct character c = character_at(text, at);
        at += c.size;
        if (c.byte == quote && (escapes == 0 ? run % 2 == 0 : run <= escapes))
            break;
        run = c.byte == '\\' ? run + 1 : 0;
    }
    return at;
}

/* Find where the value ends; true when a closing quote says so. */
static bool find_end(struct trail_text text, struct value *value)
{
    size_t at = value->start;
    size_t escapes = 0;
    while (at < text.size && text.data[at] == '\\' && character_at(text, at).size == 1) {
        escapes++;
        at++;
    }
    if (at < text.size) {
        struct character c = character_at(text, at);
        if (is_quote(c.byte)) {
            value->end = end_of_quoted(text, at + c.size, c.byte, escapes);
            return true;
        }
        if (c.byte == '{' || c.byte == '[') {
            value->end = text.size;
            return false;
        }
    }
    while (at < text.size && text.data[at] != '\n' && text.data[at] != '\r' &&
           !(value->in_form && text.data[at] == '&'))
        at++;
    value->end = at;
    return false;
}

/* Find the end of what sticks to a closing quote before `at`, as in a shell's "a"b. */
static size_t end_of_word(struct trail_text text, size_t at)
{
    while (at < text.size && !is_one_of(text.data[at], " \t\r\n\\,;&}])"))
        at++;
    return at;
}

/* Step over the name at *at; true when it is secret. */
static bool take_name(const struct secret_names *names, struct trail_text text, size_t *at)
{
    char   name[SECRET_NAME_BYTES_MAX + 1]; /* One for the letter of an escape before it. */
    size_t size = 0;
    bool   escaped = *at > 0 && text.data[*at - 1] == '\\';
    while (*at < text.size) {
        struct character c = character_at(text, *at);
        if (!is_name_character(c.byte))
            break;
        *at += c.size;
        if (size == 0 && c.byte == '-')
            continue; /* The dashes of `--token=x`. */
        if (size < sizeof name)
            name[size] = c.byte;
        size++;
    }
    if (size == 0 || size > sizeof name)
        return false;
    if (secret_names_has(names, text_of(name, size)))
        return true;
    /* `\npassword` may be a line break and a name, or a path and another name. */
    return escaped && is_one_of(name[0], "bfnrt") && secret_names_has(names, text_of(name + 1, size - 1));
}

bool secret_redact_text(const struct secret_names *names, struct trail_text text, struct buf *out)
{
    size_t copied = 0;
    size_t at = 0;
    bool   redacted = false;
    while (at < text.size) {
        struct character c = character_at(text, at);
        if (!is_name_character(c.byte)) {
            at += c.size;
            continue;
        }
        struct value value = { 0 };
        if (!take_name(names, text, &at) || !find_start(text, at, &value))
            continue;

        size_t start = value.start;
        bool   quoted = find_end(text, &value);
        /* A quote with a colon or a quote behind it closed a name, not the value: `"token": "k" : "x"`. */
        while (quoted && find_start(text, value.end, &value))
            quoted = find_end(text, &value);
        if (start >= copied) {
            buf_append(out, text.data + copied, start - copied);
            buf_append_string(out, SECRET_REPLACEMENT);
        }
        if (value.end > copied)
            copied = value.end;
        /* A word that sticks to the value goes too, but is still searched for names: it may be one. */
        if (quoted)
            copied = end_of_word(text, copied);
        at = value.end;
        redacted = true;
    }
    if (copied < text.size)
        buf_append(out, text.data + copied, text.size - copied);
    return redacted;
}
