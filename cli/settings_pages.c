/* settings_pages.c -- the table of settings as texts for people: .env.example and the page of the documentation. */
#include "cli/settings_pages.h"

#include <string.h>

#include "base/settings.h"
#include "cli/settings_profiles.h"
#include "trail/rules.h"

/* Whether `id` is the first row of its section. */
static bool begins_section(enum setting_id id)
{
    return id == 0 || strcmp(setting_info(id)->section, setting_info(id - 1)->section) != 0;
}

/* ---- .env.example ---- */

static void env_setting(struct buf *out, const struct setting_info *info)
{
    buf_printf(out, "\n# %s\n# Allowed: %s.\n", info->summary, info->allowed);
    if (info->derived != NULL)
        buf_printf(out, "# If not set: %s.\n", info->derived);
    buf_printf(out, "#%s=%s\n", info->name, info->default_value);
}

static void env_profile(struct buf *out, const struct profile *profile)
{
    buf_printf(out, "\n\n# ==== %s ====\n# %s\n", profile->title, profile->about);
    for (size_t i = 0; i < PROFILE_LINES_MAX && profile->lines[i].setting != NULL; i++)
        buf_printf(out, "\n# %s\n#%s\n", profile->lines[i].reason, profile->lines[i].setting);
}

void settings_env_page(struct buf *out)
{
    buf_append_string(out,
                      "# The settings of audittrail " TRAIL_VERSION ", each at its default. Copy this file to .env and "
                      "uncomment what you change.\n"
                      "# The environment wins over this file. An empty value means the default.\n"
                      "# `audittrail config check` finds mistakes, `audittrail config show` says what is in force "
                      "and why.\n"
                      "# At the end: three ready blocks.\n"
                      "# (Made by `audittrail config env`; do not edit.)\n");
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        if (begins_section(id))
            buf_printf(out, "\n\n# ---- %s ----\n", setting_info(id)->section);
        env_setting(out, setting_info(id));
    }
    for (size_t i = 0; i < PROFILE_COUNT; i++)
        env_profile(out, &settings_profiles[i]);
}

/* ---- The page of the documentation ---- */

/* The link target that GitHub and MkDocs make of a heading that is one name. */
static void append_anchor(struct buf *out, const char *name)
{
    for (; *name != '\0'; name++) {
        char c = *name >= 'A' && *name <= 'Z' ? (char)(*name + ('a' - 'A')) : *name;
        buf_append(out, &c, 1);
    }
}

/* The default as people read it; *ret_code: it stands in a code span. */
static const char *default_words(const struct setting_info *info, bool *ret_code)
{
    *ret_code = info->derived == NULL && info->default_value[0] != '\0';
    if (info->derived != NULL)
        return info->derived;
    return info->default_value[0] != '\0' ? info->default_value : "(empty)";
}

static void append_default(struct buf *out, const struct setting_info *info)
{
    bool        code;
    const char *words = default_words(info, &code);
    buf_printf(out, code ? "`%s`" : "%s", words);
}

static void append_overview(struct buf *out)
{
    buf_append_string(out, "\n## All settings\n\n| Setting | Default | Meaning |\n|---|---|---|\n");
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        const struct setting_info *info = setting_info(id);
        buf_printf(out, "| [%s](#", info->name);
        append_anchor(out, info->name);
        buf_append_string(out, ") | ");
        if (strlen(info->default_value) > 40)
            buf_append_string(out, "see there");
        else
            append_default(out, info);
        buf_printf(out, " | %s |\n", info->summary);
    }
}

static void append_setting(struct buf *out, enum setting_id id)
{
    const struct setting_info *info = setting_info(id);
    buf_printf(out, "\n### %s\n\n%s\n\n- Default: ", info->name, info->summary);
    append_default(out, info);
    buf_printf(out, "\n- Allowed: %s\n- Takes effect: %s\n\n%s\n", info->allowed,
               rules_cover(id) ? "at the start, and at a reload" : "at the start", info->detail);
}

static void append_profile(struct buf *out, const struct profile *profile)
{
    buf_printf(out, "\n### %s\n\n%s\n\n```sh\n", profile->title, profile->about);
    for (size_t i = 0; i < PROFILE_LINES_MAX && profile->lines[i].setting != NULL; i++)
        buf_printf(out, "# %s\n%s\n", profile->lines[i].reason, profile->lines[i].setting);
    buf_append_string(out, "```\n");
}

void settings_markdown_page(struct buf *out)
{
    buf_append_string(
        out,
        "<!-- Made by `audittrail config docs` from src/base/settings.def; do not edit. -->\n"
        "# Settings\n\n"
        "Everything is an `AUDIT_TRAIL_*` variable. What is given more explicitly wins: an option of the "
        "program or `--set` on the command line, then the environment, then the env file (`.env` in the "
        "working directory, or the one named with `--env-file`), then the default.\n\n"
        "- An empty value means the default, whatever a less explicit source says. For a list that is "
        "really empty write a lone comma.\n"
        "- `audittrail config check` tells every mistake at once, with what is allowed and where it was "
        "given. A program does not start with a wrong setting.\n"
        "- The settings of *What is recorded* can be changed while a service runs, if it calls `trail_reload()` (as "
        "the example gateway does on `SIGHUP`); all others take effect at the next start.\n"
        "- A name that is no setting is a warning with the name that was probably meant.\n"
        "- `audittrail config show` prints what is in force and where it comes from; passwords are masked.\n"
        "- `audittrail config env` prints an env file with all of them, commented out.\n\n"
        "The env file has lines `NAME=value`, also with `export ` in front, comments with `#`, values in "
        "single quotes (as they stand) or double quotes (with `\\\"`, `\\\\`, `\\$`, `\\n`). It is not a "
        "shell script: `$NAME` is not expanded. At most 64 KiB.\n");
    append_overview(out);
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        if (begins_section(id))
            buf_printf(out, "\n## %s\n", setting_info(id)->section);
        append_setting(out, id);
    }
    buf_append_string(out, "\n## Ready blocks\n\nTo copy into an env file; every line says why.\n");
    for (size_t i = 0; i < PROFILE_COUNT; i++)
        append_profile(out, &settings_profiles[i]);
}
