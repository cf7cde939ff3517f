/* draft_settings.c -- the settings of a draft policy: those in force with some changed, or those of an env file. */
#include "cli/draft_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "cli/suggest.h"

#define PREFIX "AUDIT_TRAIL_"

bool is_policy_setting(enum setting_id id)
{
    return strcmp(setting_info(id)->section, setting_info(SETTING_LEVEL)->section) == 0;
}

/* "AUDIT_TRAIL_X=value" strings, as settings_load() takes them. */
struct strings {
    char  *list[SETTING_COUNT + 1024]; /* One per setting in force, one per operand, NULL last. */
    size_t count;
    bool   out_of_memory;
};

static void add(struct strings *strings, const char *prefix, const char *name, const char *value)
{
    struct buf text;
    buf_init(&text, NULL, 0);
    buf_printf(&text, "%s%s%s%s%c", prefix, name, value[0] != '\0' ? "=" : "", value, '\0');
    if (buf_failed(&text) || strings->count + 1 == sizeof strings->list / sizeof strings->list[0]) {
        buf_done(&text);
        strings->out_of_memory = true;
        return;
    }
    strings->list[strings->count++] = text.data; /* Grown from nothing: on the heap, and ours. */
}

static void strings_done(struct strings *strings)
{
    for (size_t i = 0; i < strings->count; i++)
        free(strings->list[i]);
}

/* What is in force and not the default; that follows the draft (a rate of reads the rate of all). */
static void add_in_force(struct strings *strings, const struct settings *now)
{
    static char value[SETTING_VALUE_BYTES_MAX + 1];
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        if (!is_policy_setting(id) || now->sources[id] == SETTING_FROM_DEFAULT)
            continue;
        settings_format_value(now, id, value, sizeof value);
        if (value[0] != '\0')
            add(strings, "", setting_info(id)->name, value);
    }
}

/* ---- Changes ------------------------------------------------------------------------------------ */

static bool find_setting(const char *name, enum setting_id *ret_id)
{
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        if (strcmp(setting_info(id)->name + strlen(PREFIX), name) == 0) {
            *ret_id = id;
            return true;
        }
    }
    return false;
}

static bool fail_name(const struct draft_request *request, const char *name)
{
    struct suggestion suggestion = SUGGESTION_FOR(name);
    fprintf(stderr, "audittrail %s: %.80s is not a setting of the policy", request->command, name);
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        if (is_policy_setting(id))
            suggest_consider(&suggestion, setting_info(id)->name + strlen(PREFIX));
    }
    if (suggestion.nearest != NULL) {
        fprintf(stderr, "; did you mean %s?\n", suggestion.nearest);
        return false;
    }
    fputs("; a draft can change:", stderr);
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        if (is_policy_setting(id))
            fprintf(stderr, " %s", setting_info(id)->name + strlen(PREFIX));
    }
    fputc('\n', stderr);
    return false;
}

static bool add_change(struct strings *strings, const struct draft_request *request, const char *change)
{
    char            name[80];
    enum setting_id id;
    const char     *begin = strncmp(change, PREFIX, strlen(PREFIX)) == 0 ? change + strlen(PREFIX) : change;
    size_t          size = strcspn(begin, "=");
    if (begin[size] != '=') {
        fprintf(stderr, "audittrail %s: %.80s: expected SETTING=VALUE, such as LEVEL=deletes_only\n", request->command,
                change);
        return false;
    }
    snprintf(name, sizeof name, "%.*s", (int)size, begin);
    if (!find_setting(name, &id))
        return fail_name(request, name);
    if (!is_policy_setting(id)) {
        fprintf(stderr,
                "audittrail %s: %s does not decide what is recorded, so it is no part of a draft; "
                "--set %s%s says it for this command\n",
                request->command, setting_info(id)->name, PREFIX, begin);
        return false;
    }
    /* An empty value is one too: it takes back what is in force. */
    add(strings, PREFIX, begin, "");
    return true;
}

/* ---- Loading ------------------------------------------------------------------------------------ */

static void tell_problems(const struct draft_request *request, const struct settings_report *report, enum trail_err err)
{
    for (size_t i = 0; i < report->problem_count; i++)
        fprintf(stderr, "audittrail %s: %s%s\n", request->command, report->problems[i].warning ? "warning: " : "",
                report->problems[i].message);
    if (err != TRAIL_OK && report->error_count == 0)
        fprintf(stderr, "audittrail %s: %s\n", request->command, trail_strerror(err));
}

/* A whole env file may be given; what in it is not of the policy is named, so that nobody waits for an effect. */
static void tell_idle_lines(const struct draft_request *request, const struct settings *settings)
{
    bool   policy = false;
    size_t idle = 0;
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        if (settings->sources[id] != SETTING_FROM_FILE)
            continue;
        if (is_policy_setting(id)) {
            policy = true;
            continue;
        }
        if (idle++ == 0)
            fprintf(stderr, "audittrail %s: without effect on what is recorded, in %s:", request->command,
                    request->file);
        fprintf(stderr, " %s", setting_info(id)->name);
    }
    if (idle > 0)
        fputc('\n', stderr);
    if (!policy)
        fprintf(stderr, "audittrail %s: warning: %s sets nothing of the policy; the draft begins with the defaults\n",
                request->command, request->file);
}

bool draft_settings_load(struct settings *ret_settings, const struct draft_request *request)
{
    struct strings         strings = { .count = 0 };
    struct settings_report report;
    bool                   valid = true;

    *ret_settings = (struct settings){ 0 };
    /* The draft opens nothing; the directory is named so that none has to be derived. */
    add(&strings, "", setting_info(SETTING_STATE_DIR)->name, request->now->state_dir);
    if (request->file == NULL)
        add_in_force(&strings, request->now);
    for (size_t i = 0; i < request->change_count; i++)
        valid = add_change(&strings, request, request->changes[i]) && valid;
    if (valid && !strings.out_of_memory) {
        const struct settings_input input = {
            .options = (const char *const *)strings.list,
            .env_file = request->file != NULL ? request->file : "",
        };
        enum trail_err err = settings_load(ret_settings, &input, &report);
        tell_problems(request, &report, err);
        settings_report_done(&report);
        valid = err == TRAIL_OK;
        if (valid && request->file != NULL)
            tell_idle_lines(request, ret_settings);
    } else if (valid) {
        fprintf(stderr, "audittrail %s: %s\n", request->command, trail_strerror(TRAIL_ENOMEM));
        valid = false;
    }
    strings_done(&strings);
    return valid;
}
