/* settings_places.c -- where things are kept and under whose name: the settings whose defaults are derived. */
#include "base/settings_places.h"

#include <errno.h>
#include <string.h>

#include "base/database_url.h"
#include "base/path.h"
#include "base/settings_value.h"
#include "base/text.h"

static enum trail_err take(struct buf *value, char **field)
{
    enum trail_err err = buf_failed(value) ? TRAIL_ENOMEM : setting_string_set(field, buf_text(value));
    buf_done(value);
    return err;
}

static enum trail_err make_absolute(char **field, struct buf *reason)
{
    struct buf path;
    buf_init(&path, NULL, 0);
    if (path_absolute(trail_str(*field), &path) != TRAIL_OK) {
        buf_append_string(reason, "the working directory is gone, so only an absolute path is allowed");
        return TRAIL_EINVAL;
    }
    return take(&path, field);
}

static enum trail_err resolve_url(char **field, struct buf *reason)
{
    struct buf url;
    buf_init(&url, NULL, 0);
    enum trail_err err = database_url_resolve(trail_str(*field), &url, reason);
    if (err != TRAIL_OK) {
        buf_done(&url);
        return err;
    }
    return take(&url, field);
}

enum trail_err places_check(struct settings *settings, enum setting_id id, struct buf *reason)
{
    if (id == SETTING_STATE_DIR)
        return make_absolute(&settings->state_dir, reason);
    if (id == SETTING_SPOOL_DIR)
        return make_absolute(&settings->spool_dir, reason);
    if (id == SETTING_DATABASE_URL)
        return resolve_url(&settings->database_url, reason);
    if (id == SETTING_SERVICE && strlen(settings->service) > SETTING_SERVICE_BYTES_MAX) {
        buf_printf(reason, "allowed are %s", setting_info(id)->allowed);
        return TRAIL_EINVAL;
    }
    return TRAIL_OK;
}

/* The value of a variable, or the absent text when it is not set or empty. */
static struct trail_text variable(const char *const *environment, const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++) {
        if (strncmp(environment[i], name, size) == 0 && environment[i][size] == '=')
            return trail_str(environment[i] + size + 1);
    }
    return trail_str(NULL);
}

/* The XDG specification says that a relative path is to be ignored; the same is right for the other two, and for a path
 * that could not be given as AUDIT_TRAIL_STATE_DIR either. */
static bool is_usable(struct trail_text path)
{
    return path.size > 0 && path.data[0] == '/' && text_trim(path).size == path.size && setting_text_is_plain(path);
}

static enum trail_err derive_state_dir(char **field, const char *const *environment, struct buf *reason)
{
    /* systemd's StateDirectory= may name several, separated by colons. */
    struct trail_text systemd = variable(environment, "STATE_DIRECTORY");
    const char       *colon = systemd.size > 0 ? memchr(systemd.data, ':', systemd.size) : NULL;
    if (colon != NULL)
        systemd.size = (size_t)(colon - systemd.data);
    struct trail_text xdg = variable(environment, "XDG_STATE_HOME");
    struct trail_text home = variable(environment, "HOME");

    struct buf path;
    buf_init(&path, NULL, 0);
    if (is_usable(systemd)) {
        buf_append_text(&path, systemd);
    } else if (is_usable(xdg)) {
        buf_append_text(&path, xdg);
        buf_append_string(&path, "/audittrail");
    } else if (is_usable(home)) {
        buf_append_text(&path, home);
        buf_append_string(&path, "/.local/state/audittrail");
    } else {
        buf_append_string(reason, "AUDIT_TRAIL_STATE_DIR must be given: none of STATE_DIRECTORY, XDG_STATE_HOME and "
                                  "HOME is set to an absolute path of plain text");
        return TRAIL_EINVAL;
    }
    enum trail_err err = take(&path, field);
    return err == TRAIL_OK ? make_absolute(field, reason) : err; /* As if it had been given. */
}

static enum trail_err derive_in(const char *prefix, const char *directory, const char *name, char **field)
{
    struct buf  path;
    size_t      size = strlen(directory);
    const char *slash = size > 0 && directory[size - 1] == '/' ? "" : "/"; /* Not "sqlite://audit.db". */
    buf_init(&path, NULL, 0);
    buf_printf(&path, "%s%s%s%s", prefix, directory, slash, name);
    return take(&path, field);
}

static enum trail_err derive_service(char **field, const char *program)
{
    char     name[SETTING_SERVICE_BYTES_MAX];
    uint32_t flags = 0;
    if (program == NULL)
        program = program_invocation_short_name;
    struct trail_text service = text_of(name, text_clean(trail_str(program), sizeof name, name, &flags));
    for (size_t i = 0; i < service.size; i++) {
        for (size_t j = text_control_size(service, i); j > 0; j--)
            name[i + j - 1] = '?';
    }
    return setting_string_set(field, text_trim(service));
}

enum trail_err places_derive(struct settings *settings, const char *const *environment, const char *program,
                             struct buf *reason)
{
    enum trail_err err = TRAIL_OK;

    if (settings->service == NULL)
        err = derive_service(&settings->service, program);
    if (err == TRAIL_OK && settings->state_dir == NULL) {
        err = derive_state_dir(&settings->state_dir, environment, reason);
        /* Nobody asks for it when nothing is opened, or when both of what would stand in it stand elsewhere. */
        if (err == TRAIL_EINVAL &&
            (!settings->enabled || (settings->spool_dir != NULL && settings->database_url != NULL))) {
            buf_clear(reason);
            err = setting_string_set(&settings->state_dir, trail_str(""));
        }
    }
    bool has_state_dir = settings->state_dir != NULL && settings->state_dir[0] != '\0';
    if (err == TRAIL_OK && settings->spool_dir == NULL)
        err = has_state_dir ? derive_in("", settings->state_dir, "spool", &settings->spool_dir)
                            : setting_string_set(&settings->spool_dir, trail_str(""));
    if (err == TRAIL_OK && settings->database_url == NULL)
        err = has_state_dir ? derive_in("sqlite:", settings->state_dir, "audit.db", &settings->database_url)
                            : setting_string_set(&settings->database_url, trail_str(""));
    return err;
}
