/* fuzz_redact.c -- whatever comes in as a value: what is stored of it is JSON, fits, and holds no secret.
 *
 * Goal:   no input crashes redaction or gets a secret past it; a value that is JSON loses its secrets and nothing else;
 *         one without secrets stays the very bytes.
 * Method: libFuzzer with ASan and UBSan. jansson redacts the parsed value in the obvious way; the results must be
 *         equal. Into text that is not JSON a secret is planted, which must be gone.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "policy/redact.h"
#include "policy/secret.h"

#define SECRET_FIELDS TRAIL_TEXT("password,token,api_key,k")
#define LARGE_LIMIT ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct redactor    *small;
static struct redactor    *large;
static struct secret_names secrets;

static void require(bool promise)
{
    if (!promise)
        abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    require(redactor_new(&small, SECRET_FIELDS, REDACT_VALUE_BYTES_MIN, NULL) == TRAIL_OK);
    require(redactor_new(&large, SECRET_FIELDS, LARGE_LIMIT, NULL) == TRAIL_OK);
    require(secret_names_init(&secrets, SECRET_FIELDS, NULL) == TRAIL_OK);
    return 0;
}

/* The same in the obvious way: in place, true when something was secret. */
static bool redact_tree(json_t *json)
{
    const char *key;
    json_t     *value;
    size_t      index;
    bool        found = false;
    json_object_foreach(json, key, value)
    {
        if (secret_names_has(&secrets, trail_str(key))) {
            require(json_object_set_new(json, key, json_string(SECRET_REPLACEMENT)) == 0);
            found = true;
        } else {
            found = redact_tree(value) || found;
        }
    }
    json_array_foreach(json, index, value) found = redact_tree(value) || found;
    return found;
}

/* Nested deeper than the library reads, perhaps. */
static bool may_be_deep(struct trail_text text)
{
    size_t opened = 0;
    for (size_t i = 0; i < text.size; i++)
        opened += text.data[i] == '{' || text.data[i] == '[' ? 1 : 0;
    return opened > 64;
}

/* What jansson takes has lost its secrets and nothing else; what it does not take became what it does. */
static void check_result(struct trail_text given, struct trail_text result, uint32_t flags, enum event_field field)
{
    size_t  how = JSON_ALLOW_NUL | JSON_DECODE_ANY;
    json_t *expected = json_loadb(given.data, given.size, how, NULL);
    json_t *got = json_loadb(result.data, result.size, how, NULL);
    bool    replaced = (flags & (TRAIL_FLAG_UNPARSED | TRAIL_FLAG_TRUNCATED)) != 0;
    require(replaced ? json_is_object(got) : (got != NULL) == (expected != NULL));
    if (expected != NULL && !replaced) {
        bool found = redact_tree(expected);
        require(json_equal(expected, got));
        require(found == ((flags & TRAIL_FLAG_REDACTED) != 0));
    }
    /* jansson takes a NUL byte for the end. */
    if (expected != NULL && (flags & TRAIL_FLAG_UNPARSED) != 0)
        require((field != EVENT_delegation_chain && !json_is_object(expected)) || may_be_deep(given) ||
                memchr(given.data, '\0', given.size) != NULL);
    json_decref(got);
    json_decref(expected);
}

static void check_value(const struct redactor *redactor, size_t limit, struct trail_text text, enum event_field field)
{
    struct trail_event event = { TRAIL_EVENT_INIT };
    struct buf         scratch;
    char               storage[128];
    uint32_t           flags = 0;
    *event_text_at(&event, field) = text;
    buf_init(&scratch, storage, sizeof storage);
    require(redact_event(redactor, &event, &scratch, &flags) == TRAIL_OK);

    struct trail_text result = event_text(&event, field);
    require(result.size <= limit);
    require((result.data == text.data) ==
            ((flags & (TRAIL_FLAG_REDACTED | TRAIL_FLAG_TRUNCATED | TRAIL_FLAG_UNPARSED)) == 0));
    check_result(text, result, flags, field);

    /* Once redacted there is nothing left to find. */
    struct buf again;
    uint32_t   flags_again = 0;
    buf_init(&again, NULL, 0);
    require(redact_event(redactor, &event, &again, &flags_again) == TRAIL_OK);
    require(text_equal(event_text(&event, field), result) && (flags_again & ~(uint32_t)TRAIL_FLAG_REDACTED) == 0);
    buf_done(&again);
    buf_done(&scratch);
}

/* A secret between any two texts is taken out. */
static void check_planted(struct trail_text text, size_t at)
{
    static const char *const forms[] = {
        "\npassword=XYZZY\n",
        "&api-key=XYZZY&",
        "\"token\": \"XYZZY\"",
        "\\\"token\\\":\\\"XYZZY\\\"",
        "%22password%22%3A%22XYZZY%22",
        "\nToken: Bearer XYZZY\r",
        "{'k':'XYZZY'}",
    };

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct buf planted;
        struct buf out;
        buf_init(&planted, NULL, 0);
        buf_init(&out, NULL, 0);
        buf_append(&planted, text.data, at);
        buf_append_string(&planted, forms[i]);
        buf_append(&planted, text.data + at, text.size - at);
        require(secret_redact_text(&secrets, buf_text(&planted), &out));
        require(memmem(out.data, out.size, "XYZZY", 5) == NULL);
        buf_done(&planted);
        buf_done(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trail_text text = text_of((const char *)data, size);
    if (size == 0)
        return 0;
    check_value(small, REDACT_VALUE_BYTES_MIN, text, EVENT_new_values);
    check_value(large, LARGE_LIMIT, text, EVENT_context);
    check_value(large, LARGE_LIMIT, text, EVENT_delegation_chain);
    if (memmem(text.data, text.size, "XYZZY", 5) == NULL)
        check_planted(text, data[size - 1] % size);
    return 0;
}
