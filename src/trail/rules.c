/* rules.c -- what decides about events from some moment on. */
#include "trail/rules.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/text.h"

/* The section of settings.def whose settings are the rules. */
#define RULES_SECTION "What is recorded"

bool rules_cover(enum setting_id id)
{
    return strcmp(setting_info(id)->section, RULES_SECTION) == 0;
}

/* ---- Making and freeing ---- */

enum trail_err rules_lend(struct rules **ret_rules, const struct settings *settings,
                          const struct hash_key *sampling_key, struct trail_error *ret_error)
{
    struct rules *rules = calloc(1, sizeof *rules);
    if (rules == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for the policy");
    enum trail_err err = policy_new(&rules->policy, settings, sampling_key, ret_error);
    if (err != TRAIL_OK) {
        free(rules);
        return err;
    }
    rules->settings = settings;
    *ret_rules = rules;
    return TRAIL_OK;
}

enum trail_err rules_take(struct rules **ret_rules, struct settings *settings, const struct hash_key *sampling_key,
                          struct trail_error *ret_error)
{
    struct rules  *rules = NULL;
    enum trail_err err = rules_lend(&rules, settings, sampling_key, ret_error);
    if (err != TRAIL_OK)
        return err;
    assert(rules != NULL);
    rules->own = *settings;
    rules->settings = &rules->own;
    *settings = (struct settings){ 0 };
    *ret_rules = rules;
    return TRAIL_OK;
}

void rules_free(struct rules *rules)
{
    while (rules != NULL) {
        struct rules *former = rules->former;
        policy_free(rules->policy);
        settings_done(&rules->own);
        free(rules);
        rules = former;
    }
}

/* ---- Comparing and telling ---- */

bool rules_same(const struct settings *a, const struct settings *b)
{
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        if (rules_cover(id) && !settings_same(a, b, id))
            return false;
    }
    return true;
}

void rules_append_text(struct trail_text text, size_t shown_bytes, struct buf *out)
{
    struct buf clean;
    uint32_t   flags = 0;
    size_t     room = text.size * 3 < shown_bytes ? text.size * 3 : shown_bytes; /* U+FFFD has three bytes. */

    buf_init(&clean, NULL, 0);
    char *to = buf_reserve(&clean, room + 1);
    if (to == NULL) {
        out->failed = true;
        return;
    }
    clean.size = text_clean(text, room, to, &flags);
    if ((flags & TRAIL_FLAG_TRUNCATED) != 0)
        buf_printf(&clean, " ... (%zu bytes)", text.size);
    json_append_string(out, buf_text(&clean));
    buf_done(&clean);
}

void rules_append_value(const struct settings *settings, enum setting_id id, size_t shown_bytes, struct buf *out)
{
    struct buf value;
    buf_init(&value, NULL, 0);
    settings_append_value(settings, id, &value);
    rules_append_text(buf_text(&value), shown_bytes, out);
    buf_done(&value);
}

void rules_append_members(const struct rules *rules, struct buf *out)
{
    struct buf line;
    size_t     size = policy_describe(rules->policy, NULL, 0);

    buf_init(&line, NULL, 0);
    if (buf_reserve(&line, size + 1) == NULL) {
        out->failed = true;
        return;
    }
    line.size = policy_describe(rules->policy, line.data, size + 1);
    json_append_name(out, "policy");
    rules_append_text(buf_text(&line), RULES_SHOWN_BYTES, out);
    buf_done(&line);
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        if (!rules_cover(id))
            continue;
        json_append_name(out, setting_info(id)->name);
        rules_append_value(rules->settings, id, RULES_SHOWN_BYTES, out);
    }
}
