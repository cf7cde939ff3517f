/* settings.h -- every AUDIT_TRAIL_* setting: one table, read from options, environment and env file.
 *
 * settings.def is the only place that names a setting. The struct below, the parser, `config show`,
 * `.env.example` and the settings page of the documentation are made from it. Order of precedence:
 * explicit option > environment > env file > default. All problems are found in one pass, so that an
 * operator repairs a file once and not once per error. An empty value means the default, whatever a lower
 * source says, so that an empty variable cannot switch redaction off.
 *
 * Thread: load on one thread; read-only afterwards.
 * Memory: settings own their strings; settings_done() frees them, the report's too.
 * Errors: settings_load() returns TRAIL_ECONFIG when the report holds an error; the settings are then
 *         filled with what could be understood but must not be used.
 */
#ifndef TRAIL_BASE_SETTINGS_H
#define TRAIL_BASE_SETTINGS_H

#include "base/buf.h"

/* Choices of the settings that are neither numbers nor text. Order = order of the words in settings.def. */
enum durability { DURABILITY_PROCESS, DURABILITY_MACHINE };
enum overflow { OVERFLOW_FAIL, OVERFLOW_BLOCK, OVERFLOW_DROP };

/* Bits of a SET, in the order of its words. */
enum always_record {
    ALWAYS_RECORD_FAILURES = 1,
    ALWAYS_RECORD_DENIED = 2,
    ALWAYS_RECORD_DELETES = 4,
    ALWAYS_RECORD_AUTH = 8
};

enum setting_id {
#define SETTING(id, field, type, ...) SETTING_##id,
#include "base/settings.def"
#undef SETTING
    SETTING_COUNT
};

enum setting_source { SETTING_FROM_DEFAULT, SETTING_FROM_FILE, SETTING_FROM_ENVIRONMENT, SETTING_FROM_OPTION };

#define SETTING_C_TYPE_BOOL bool
#define SETTING_C_TYPE_CHOICE uint32_t /* Index into the choices. */
#define SETTING_C_TYPE_SET uint32_t    /* Bit 1 << index for each of the choices that was named. */
#define SETTING_C_TYPE_NUMBER uint64_t /* Unit as in the field's name. */
#define SETTING_C_TYPE_BYTES uint64_t  /* Written as 16384, 16KiB, 1GiB. */
#define SETTING_C_TYPE_RATE double     /* Written as 0.25, with a point whatever the locale. */
#define SETTING_C_TYPE_LIST char *     /* Comma-separated, items trimmed, none of them empty; "" = none. */
#define SETTING_C_TYPE_MAP char *      /* name=operation, comma-separated, checked (base/action_map.h); "" = none. */
#define SETTING_C_TYPE_TEXT char *

struct settings {
#define SETTING(id, field, type, ...) SETTING_C_TYPE_##type field;
#include "base/settings.def"
#undef SETTING
    enum setting_source sources[SETTING_COUNT];
};

/* No value and no env file is longer; an operator who needs more has made a mistake. */
#define SETTING_VALUE_BYTES_MAX ((size_t)64 * 1024)
#define SETTING_SERVICE_BYTES_MAX 100

enum setting_type {
    SETTING_TYPE_BOOL,
    SETTING_TYPE_CHOICE,
    SETTING_TYPE_SET,
    SETTING_TYPE_NUMBER,
    SETTING_TYPE_BYTES,
    SETTING_TYPE_RATE,
    SETTING_TYPE_LIST,
    SETTING_TYPE_MAP,
    SETTING_TYPE_TEXT
};

/* A row of the table, for everything that lists settings. */
struct setting_info {
    const char       *name; /* "AUDIT_TRAIL_LEVEL". */
    enum setting_type type;
    const char       *section;       /* "What is recorded". */
    const char       *default_value; /* As an operator would write it; "" = empty or derived. */
    const char       *derived;       /* In words, from what a derived default comes; NULL = not derived. */
    const char       *allowed;       /* "all, writes_only, ..." or "1 to 86400 (seconds)". */
    const char       *choices;       /* The words of CHOICE and SET; else NULL. */
    const char       *least;         /* Bounds of NUMBER, BYTES and RATE, as text; else NULL. */
    const char       *most;
    bool              secret;  /* config show masks (part of) it. */
    const char       *summary; /* One sentence. */
    const char       *detail;  /* A paragraph of Markdown. */
};

const struct setting_info *setting_info(enum setting_id id);

/* Something wrong (or, as a warning, doubtful) in what was configured. */
struct settings_problem {
    bool warning;      /* An unknown AUDIT_TRAIL_* name is one; the load goes on. */
    char name[64];     /* The setting; "" when it is about a line of the env file. */
    char value[64];    /* What was given, cut to fit, masked if secret; "" when the name is unknown. */
    char message[320]; /* The whole sentence: names setting, value, what is allowed, and where it was given. */
};

struct settings_report {
    struct settings_problem *problems; /* problem_count of them. */
    size_t                   problem_count;
    size_t                   error_count; /* Those that are no warnings, and any that memory did not suffice for. */
};

struct settings_input {
    const char *const *options;     /* "AUDIT_TRAIL_X=value", NULL last; may be NULL. */
    const char *const *environment; /* environ-like, NULL last; may be NULL. HOME and the like are read here too. */
    const char        *env_file;    /* NULL: ".env" if it is there; "": none; else it must be readable. */
    const char        *program;     /* Default of AUDIT_TRAIL_SERVICE; NULL: this program's name. */
};

/* Fill *settings from all sources. `settings` and `report` need no initialisation and must be given to
 * settings_done() / settings_report_done() whatever is returned. */
TRAIL_MUST_CHECK enum trail_err settings_load(struct settings *settings, const struct settings_input *input,
                                              struct settings_report *report);

void settings_done(struct settings *settings);
void settings_report_done(struct settings_report *report);

/* True when both have the same value for `id`, wherever each got it from. */
bool settings_same(const struct settings *a, const struct settings *b, enum setting_id id);

/* Append the effective value of `id` as an operator would write it, secrets masked. */
void settings_append_value(const struct settings *settings, enum setting_id id, struct buf *out);

/* Write the effective value of `id` as an operator would write it, secrets masked, NUL-terminated, cut to
 * `size`. */
void settings_format_value(const struct settings *settings, enum setting_id id, char *out, size_t size);

/* "option", "environment", "file", "default". */
const char *setting_source_name(enum setting_source source);

#endif
