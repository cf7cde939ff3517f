/* manual.c -- the manual pages of the command, made of the tables that it works by, as scdoc reads them. */
#include "cli/manual.h"

#include <string.h>

#include "base/settings.h"
#include "base/text.h"
#include "cli/help.h"
#include "cli/scdoc.h"
#include "cli/settings_profiles.h"

#define VERSION_FOOTER "\"audittrail " TRAIL_VERSION "\""

/* ---- Parts of several pages ---- */

static void append_exit_codes(struct buf *out)
{
    scdoc_section(out, "EXIT STATUS");
#define APPEND_EXIT_CODE(symbol, number, meaning) buf_printf(out, "*%d*\n\t%s\n\n", number, meaning);
    EXIT_CODE_MAP(APPEND_EXIT_CODE)
#undef APPEND_EXIT_CODE
}

static void append_item(struct buf *out, const char *name, const char *text)
{
    scdoc_bold(out, name);
    buf_append_string(out, "\n\t");
    scdoc_words(out, trail_str(text));
    buf_append_string(out, "\n\n");
}

static void append_option(struct buf *out, const struct option_info *option)
{
    if (option->letter != 0)
        buf_printf(out, "*-%c*, ", option->letter);
    buf_printf(out, "*--%s*", option->name);
    if (option->argument != NULL) {
        if (!help_is_optional(option))
            buf_append_string(out, " ");
        scdoc_words(out, trail_str(option->argument));
    }
    buf_append_string(out, "\n\t");
    scdoc_words(out, trail_str(option->help));
    buf_append_string(out, "\n\n");
}

static void append_options(struct buf *out, const struct option_info *option)
{
    for (; option->name != NULL; option++)
        append_option(out, option);
}

/* ---- audittrail-<command>(1) ---- */

/* A paragraph of the notes, headed "example:" or "examples:". */
static bool is_examples(struct trail_text paragraph)
{
    return text_starts_with(paragraph, TRAIL_TEXT("example:\n")) ||
           text_starts_with(paragraph, TRAIL_TEXT("examples:\n"));
}

/* The next paragraph of *rest: up to an empty line. */
static bool next_paragraph(struct trail_text *rest, struct trail_text *ret_paragraph)
{
    if (rest->size == 0)
        return false;
    const char *end = memmem(rest->data, rest->size, "\n\n", 2);
    size_t      size = end != NULL ? (size_t)(end - rest->data) : rest->size;
    size_t      step = end != NULL ? size + 2 : size;
    *ret_paragraph = text_of(rest->data, size);
    *rest = text_of(rest->data + step, rest->size - step);
    return true;
}

static void append_notes(struct buf *out, const char *notes)
{
    struct trail_text rest = trail_str(notes);
    struct trail_text paragraph;
    bool              begun = false;
    while (next_paragraph(&rest, &paragraph)) {
        if (is_examples(paragraph))
            continue;
        if (!begun)
            scdoc_section(out, "NOTES");
        begun = true;
        scdoc_prose(out, paragraph);
        buf_append_string(out, "\n");
    }
}

static void append_examples(struct buf *out, const char *notes)
{
    struct trail_text rest = trail_str(notes);
    struct trail_text paragraph;
    while (next_paragraph(&rest, &paragraph)) {
        if (!is_examples(paragraph))
            continue;
        size_t heading = (size_t)((const char *)memchr(paragraph.data, '\n', paragraph.size) - paragraph.data) + 1;
        scdoc_section(out, "EXAMPLES");
        scdoc_literal(out, text_of(paragraph.data + heading, paragraph.size - heading), 2);
    }
}

void manual_command(struct buf *out, const struct command *command)
{
    const struct usage *usage = command->usage();

    buf_printf(out, "audittrail-%s(1) " VERSION_FOOTER "\n", command->name);
    scdoc_section(out, "NAME");
    buf_printf(out, "audittrail-%s - ", command->name);
    scdoc_words(out, trail_str(command->help));
    buf_append_string(out, "\n");

    scdoc_section(out, "SYNOPSIS");
    buf_printf(out, "*audittrail %s* ", command->name);
    scdoc_words(out, trail_str(usage->synopsis));
    buf_append_string(out, "\n");

    scdoc_section(out, "DESCRIPTION");
    scdoc_prose(out, trail_str(usage->about));

    if (usage->options[0].name != NULL) {
        scdoc_section(out, "OPTIONS");
        append_options(out, usage->options);
    }
    scdoc_section(out, "OPTIONS OF EVERY COMMAND");
    append_options(out, options_common);
    if (usage->notes != NULL)
        append_notes(out, usage->notes);
    append_exit_codes(out);

    scdoc_section(out, "ENVIRONMENT");
    buf_append_string(out, "*AUDIT\\_TRAIL\\_...*\n\tthe settings, see *audittrail-settings*(5)\n\n"
                           "*NO\\_COLOR*, *TERM*, *PAGER*, *LESS*\n\thow a terminal is used, see *audittrail*(1)\n");
    if (usage->notes != NULL)
        append_examples(out, usage->notes);
    scdoc_section(out, "SEE ALSO");
    buf_append_string(out, "*audittrail*(1), *audittrail-settings*(5), *libaudittrail*(3)\n");
}

/* ---- audittrail(1) ---- */

void manual_overview(struct buf *out)
{
    buf_append_string(out, "audittrail(1) " VERSION_FOOTER "\n");
    scdoc_section(out, "NAME");
    buf_append_string(out, "audittrail - who did what to which resource: record it, find it, account for it\n");
    scdoc_section(out, "SYNOPSIS");
    buf_append_string(out, "*audittrail* _command_ [options]\n");
    scdoc_section(out, "DESCRIPTION");
    buf_append_string(
        out, "An audit trail records what people and programs do in a service. Events are recorded without making "
             "anyone wait: they are safe in a spool on the disk at once, and a thread of the recording process writes "
             "them to the store in batches, each exactly once. This command records, finds and counts them, and shows "
             "the settings that all processes share.\n");

    scdoc_section(out, "COMMANDS");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        buf_printf(out, "*audittrail-%s*(1)\n\t", commands[i].name);
        scdoc_words(out, trail_str(commands[i].help));
        buf_append_string(out, "\n\n");
    }
    scdoc_section(out, "OPTIONS OF EVERY COMMAND");
    append_options(out, options_common);
    append_exit_codes(out);

    scdoc_section(out, "ENVIRONMENT");
    append_item(out, "AUDIT_TRAIL_...", "the settings, see audittrail-settings(5)");
    append_item(out, "NO_COLOR",
                "when it is set to anything, there are no colours unless --color=always asks for them");
    append_item(out, "TERM", "when it is dumb or not set, likewise");
    append_item(out, "PAGER",
                "the program that a table longer than the terminal is shown with, and its arguments; empty or cat: "
                "none. If not set: less -FRX");
    append_item(out, "LESS", "options of less; FRX if not set");

    scdoc_section(out, "FILES");
    append_item(out, ".env", "settings, unless --env-file names another file");
    append_item(out, "~/.local/state/audittrail/",
                "the store audit.db and the spool, unless AUDIT_TRAIL_STATE_DIR says otherwise");
    scdoc_section(out, "SEE ALSO");
    buf_append_string(out, "*audittrail-settings*(5), *libaudittrail*(3)\n");
}

/* ---- audittrail-settings(5) ---- */

static void append_setting(struct buf *out, const struct setting_info *info)
{
    /* In a heading scdoc takes everything as it stands. */
    buf_printf(out, "\n## %s\n\n", info->name);
    scdoc_markdown(out, info->summary);
    buf_append_string(out, "\nDefault: ");
    scdoc_words(out, trail_str(info->derived != NULL            ? info->derived
                               : info->default_value[0] != '\0' ? info->default_value
                                                                : "(empty)"));
    buf_append_string(out, ".++\nAllowed: ");
    scdoc_words(out, trail_str(info->allowed));
    buf_append_string(out, ".\n\n");
    scdoc_markdown(out, info->detail);
    buf_append_string(out, "\n");
}

static void append_profile(struct buf *out, const struct profile *profile)
{
    buf_printf(out, "\n## %s\n\n", profile->title);
    scdoc_words(out, trail_str(profile->about));
    buf_append_string(out, "\n\n```\n");
    for (size_t i = 0; i < PROFILE_LINES_MAX && profile->lines[i].setting != NULL; i++)
        buf_printf(out, "# %s\n%s\n", profile->lines[i].reason, profile->lines[i].setting);
    buf_append_string(out, "```\n");
}

void manual_settings(struct buf *out)
{
    const char *section = "";

    buf_append_string(out, "audittrail-settings(5) " VERSION_FOOTER "\n");
    scdoc_section(out, "NAME");
    buf_append_string(out, "audittrail-settings - the AUDIT\\_TRAIL\\_ settings of the audit trail\n");
    scdoc_section(out, "DESCRIPTION");
    buf_append_string(
        out, "What is given more explicitly wins: an option of the program or *--set* on the command line, then the "
             "environment, then the env file (_.env_ in the working directory, or the one named with *--env-file*), "
             "then the default. An empty value means the default.\n\n"
             "*audittrail config check* tells every mistake at once, *audittrail config show* prints what is in force "
             "and where it comes from, *audittrail config env* prints an env file to start from.\n\n"
             "The env file has lines NAME=value, comments with #, values in single quotes (as they stand) or double "
             "quotes. It is not a shell script.\n");
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        const struct setting_info *info = setting_info(id);
        if (strcmp(section, info->section) != 0) {
            section = info->section;
            scdoc_section(out, section);
        }
        append_setting(out, info);
    }
    scdoc_section(out, "READY BLOCKS");
    buf_append_string(out, "To copy into an env file; every line says why.\n");
    for (size_t i = 0; i < PROFILE_COUNT; i++)
        append_profile(out, &settings_profiles[i]);
    scdoc_section(out, "SEE ALSO");
    buf_append_string(out, "*audittrail*(1), *audittrail-config*(1), *libaudittrail*(3)\n");
}
