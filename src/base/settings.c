/* settings.c -- the table of settings, and which of their sources wins. */
#include "base/settings.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/database_url.h"
#include "base/env_file.h"
#include "base/settings_places.h"
#include "base/settings_report.h"
#include "base/settings_value.h"
#include "base/text.h"

/* How the columns of settings.def become fields of a row. */
#define VALUE(text) .default_value = (text)
#define DERIVED(words) .default_value = "", .derived = (words)
#define EITHER .allowed = "true, false (or yes, no, on, off, 1, 0)"
#define CHOICES(words) .choices = (words), .allowed = (words)
#define ANY_OF(words) .choices = (words), .allowed = "any of " words " (separated by commas)"
#define RANGE(lowest, highest, unit) \
    .least = (lowest), .most = (highest), .allowed = lowest " to " highest " (" unit ")"
#define FREE(words) .allowed = (words)
#define OPEN .secret = false
#define SECRET .secret = true

static const struct {
    struct setting_info info;
    size_t              offset; /* Of its field in struct settings. */
} rows[SETTING_COUNT] = {
#define SETTING(id, field, value_type, section_name, standard, what, secrecy, sentence, paragraph) \
    [SETTING_##id] = { .info = { .name = "AUDIT_TRAIL_" #id,                                       \
                                 .type = SETTING_TYPE_##value_type,                                \
                                 .section = (section_name),                                        \
                                 standard,                                                         \
                                 what,                                                             \
                                 secrecy,                                                          \
                                 .summary = (sentence),                                            \
                                 .detail = (paragraph) },                                          \
                       .offset = offsetof(struct settings, field) },
#include "base/settings.def"
#undef SETTING
};

const struct setting_info *setting_info(enum setting_id id)
{
    assert(id < SETTING_COUNT);
    return &rows[id].info;
}

const char *setting_source_name(enum setting_source source)
{
    static const char *const names[] = { "default", "file", "environment", "option" };

    assert((size_t)source < sizeof names / sizeof names[0]);
    return names[source];
}

static void *field_of(struct settings *settings, enum setting_id id)
{
    return (char *)settings + rows[id].offset;
}

static const void *const_field_of(const struct settings *settings, enum setting_id id)
{
    return (const char *)settings + rows[id].offset;
}

/* What a source says about a setting: the winner so far. Borrowed. */
struct given {
    struct trail_text   value;
    enum setting_source source;      /* DEFAULT: nobody has given it. */
    size_t              line_number; /* In the file. */
};

struct load {
    struct settings        *settings;
    struct settings_report *report;
    const char             *file_path;
    struct given            given[SETTING_COUNT];
};

static bool find_setting(struct trail_text name, enum setting_id *ret_id)
{
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        if (text_equal(name, trail_str(rows[id].info.name))) {
            *ret_id = id;
            return true;
        }
    }
    return false;
}

/* "environment", "option" or "/etc/x.env:12", of a long path its end. */
#define WHERE_SIZE 128
static void say_where(const struct load *load, const struct given *given, char out[WHERE_SIZE])
{
    const char *path = given->source == SETTING_FROM_FILE ? load->file_path : setting_source_name(given->source);
    assert(path != NULL);

    size_t      size = strlen(path);
    size_t      size_max = WHERE_SIZE - 28; /* ":", 20 digits, "...", NUL and some. */
    const char *shown = size > size_max ? path + size - size_max : path;

    if (given->source == SETTING_FROM_FILE)
        snprintf(out, WHERE_SIZE, "%s%s:%zu", shown == path ? "" : "...", shown, given->line_number);
    else
        snprintf(out, WHERE_SIZE, "%s", path);
}

/* Sources come in ascending order, so that a later one replaces an earlier one. Of a name that the environment
 * holds twice the first counts, as for getenv(); elsewhere the last. */
static void take(struct load *load, struct trail_text name, const struct given *given)
{
    char            where[WHERE_SIZE];
    enum setting_id id;

    say_where(load, given, where);
    if (!find_setting(name, &id)) {
        bool ours = text_starts_with(name, trail_str("AUDIT_TRAIL_"));
        if (ours || given->source == SETTING_FROM_OPTION)
            report_unknown(load->report, name, where, ours);
        return;
    }
    if (load->given[id].source == given->source && given->source == SETTING_FROM_ENVIRONMENT)
        return;
    if (load->given[id].source == given->source && given->source == SETTING_FROM_FILE)
        report_sentence(load->report, true, rows[id].info.name,
                        "%s (%s) was given on line %zu already; the last one counts", rows[id].info.name, where,
                        load->given[id].line_number);
    load->given[id] = *given;
}

static void take_file(struct load *load, struct env_file *file)
{
    struct env_line line;
    while (env_file_next(file, &line)) {
        struct given given = { line.value, SETTING_FROM_FILE, file->line_number };
        char         where[WHERE_SIZE];
        say_where(load, &given, where);
        if (line.problem != NULL)
            report_sentence(load->report, false, "", "%s: %s", where, line.problem);
        else
            take(load, line.name, &given);
    }
}

/* "NAME=value" strings, NULL last. */
static void take_strings(struct load *load, const char *const *strings, enum setting_source source)
{
    for (size_t i = 0; strings != NULL && strings[i] != NULL; i++) {
        const char *equals = strchr(strings[i], '=');
        if (equals != NULL) {
            struct given given = { trail_str(equals + 1), source, 0 };
            take(load, text_of(strings[i], (size_t)(equals - strings[i])), &given);
        } else if (source == SETTING_FROM_OPTION) {
            report_sentence(load->report, false, "", "an option of the caller is not NAME=VALUE: %.40s", strings[i]);
        }
    }
}

/* Read the env file, if there is one. The file of which nobody spoke (.env) may belong to someone else: a
 * directory of that name, or one that we may not read, is no error. */
static enum trail_err read_file(struct load *load, const char *path, struct env_file *file)
{
    struct trail_error error = { 0 };
    struct stat        status;
    bool               implied = path == NULL;

    load->file_path = implied ? ".env" : path;
    if (implied && stat(".env", &status) == 0 && S_ISDIR(status.st_mode))
        return TRAIL_OK;
    enum trail_err err = env_file_read(file, load->file_path, &error);
    if (err == TRAIL_OK || err == TRAIL_ENOMEM || (err == TRAIL_ENOTFOUND && implied))
        return err == TRAIL_ENOTFOUND ? TRAIL_OK : err;
    report_sentence(load->report, implied && err == TRAIL_EIO, "", "%s", error.message);
    env_file_done(file);
    return TRAIL_OK;
}

/* Turn what was given for `id`, or else its default, into its value. */
static enum trail_err read_value(struct load *load, enum setting_id id)
{
    const struct given *given = &load->given[id];
    bool                is_given = given->source != SETTING_FROM_DEFAULT && text_trim(given->value).size > 0;
    void               *field = field_of(load->settings, id);
    struct buf          reason;
    enum trail_err      err = TRAIL_OK;

    buf_init(&reason, NULL, 0);
    if (is_given && given->value.size > SETTING_VALUE_BYTES_MAX) {
        buf_printf(&reason, "it is longer than %zu bytes", SETTING_VALUE_BYTES_MAX);
        err = TRAIL_EINVAL;
    }
    if (is_given && err == TRAIL_OK)
        err = setting_value_read(&rows[id].info, given->value, field, &reason);
    if (is_given && err == TRAIL_OK)
        err = places_check(load->settings, id, &reason);
    if (is_given && err == TRAIL_OK)
        load->settings->sources[id] = given->source;
    if (err == TRAIL_EINVAL) {
        char where[WHERE_SIZE];
        say_where(load, given, where);
        report_invalid(load->report, &rows[id].info, given->value, where, buf_text(&reason));
        is_given = false;
        err = TRAIL_OK;
    }
    /* A derived default stays 0 or NULL until everything else is read. */
    if (err == TRAIL_OK && !is_given && rows[id].info.derived == NULL)
        err = setting_value_read(&rows[id].info, trail_str(rows[id].info.default_value), field, &reason);
    buf_done(&reason);
    return err;
}

static enum trail_err read_values(struct load *load, const struct settings_input *input)
{
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        enum trail_err err = read_value(load, id);
        if (err != TRAIL_OK)
            return err;
    }

    if (load->settings->sources[SETTING_SAMPLE_READS] == SETTING_FROM_DEFAULT)
        load->settings->sample_reads = load->settings->sample_rate;

    struct buf reason;
    buf_init(&reason, NULL, 0);
    enum trail_err err = places_derive(load->settings, input->environment, input->program, &reason);
    if (err == TRAIL_EINVAL) {
        struct trail_text text = buf_text(&reason);
        report_sentence(load->report, false, rows[SETTING_STATE_DIR].info.name, "%.*s", (int)text.size, text.data);
        err = TRAIL_OK;
    }
    buf_done(&reason);
    return err;
}

enum trail_err settings_load(struct settings *settings, const struct settings_input *input,
                             struct settings_report *report)
{
    assert(input != NULL);
    *settings = (struct settings){ 0 };
    *report = (struct settings_report){ 0 };

    struct load     load = { .settings = settings, .report = report };
    struct env_file file = { 0 };
    enum trail_err  err = TRAIL_OK;
    if (input->env_file == NULL || input->env_file[0] != '\0')
        err = read_file(&load, input->env_file, &file);
    if (err == TRAIL_OK) {
        take_file(&load, &file);
        take_strings(&load, input->environment, SETTING_FROM_ENVIRONMENT);
        take_strings(&load, input->options, SETTING_FROM_OPTION);
        err = read_values(&load, input);
    }
    env_file_done(&file);
    if (err == TRAIL_OK && report->error_count > 0)
        err = TRAIL_ECONFIG;
    return err;
}

void settings_done(struct settings *settings)
{
    if (settings == NULL)
        return;
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        if (setting_is_string(&rows[id].info))
            free(*(char **)field_of(settings, id));
    }
    *settings = (struct settings){ 0 };
}

bool settings_same(const struct settings *a, const struct settings *b, enum setting_id id)
{
    const void *left = const_field_of(a, id);
    const void *right = const_field_of(b, id);
    const char *left_string;
    const char *right_string;

    switch (rows[id].info.type) {
    case SETTING_TYPE_BOOL: return *(const SETTING_C_TYPE_BOOL *)left == *(const SETTING_C_TYPE_BOOL *)right;
    case SETTING_TYPE_CHOICE:
    case SETTING_TYPE_SET: return *(const SETTING_C_TYPE_CHOICE *)left == *(const SETTING_C_TYPE_CHOICE *)right;
    case SETTING_TYPE_NUMBER:
    case SETTING_TYPE_BYTES: return *(const SETTING_C_TYPE_NUMBER *)left == *(const SETTING_C_TYPE_NUMBER *)right;
    case SETTING_TYPE_RATE: return *(const SETTING_C_TYPE_RATE *)left == *(const SETTING_C_TYPE_RATE *)right;
    case SETTING_TYPE_LIST:
    case SETTING_TYPE_MAP:
    case SETTING_TYPE_TEXT: break;
    }
    left_string = *(char *const *)left;
    right_string = *(char *const *)right;
    if (left_string == NULL || right_string == NULL)
        return left_string == right_string;
    return strcmp(left_string, right_string) == 0;
}

void settings_append_value(const struct settings *settings, enum setting_id id, struct buf *out)
{
    struct buf value;

    if (!rows[id].info.secret) {
        setting_value_write(&rows[id].info, const_field_of(settings, id), out);
        return;
    }
    buf_init(&value, NULL, 0);
    setting_value_write(&rows[id].info, const_field_of(settings, id), &value);
    database_url_mask(buf_text(&value), out);
    buf_done(&value);
}

void settings_format_value(const struct settings *settings, enum setting_id id, char *out, size_t size)
{
    struct buf value;

    assert(size > 0);
    buf_init(&value, NULL, 0);
    settings_append_value(settings, id, &value);
    size_t length = value.size < size ? value.size : size - 1;
    if (length > 0)
        memcpy(out, value.data, length);
    out[length] = '\0';
    buf_done(&value);
}
