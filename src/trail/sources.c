/* sources.c -- where a trail's settings come from, so that they can be read a second time. */
#include "trail/sources.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/os_file.h"

static bool copy_options(struct sources *sources, const char *const *options)
{
    size_t count = 0;
    if (options == NULL)
        return true;
    while (options[count] != NULL)
        count++;
    sources->options = calloc(count + 1, sizeof *sources->options);
    if (sources->options == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        sources->options[i] = strdup(options[i]);
        if (sources->options[i] == NULL)
            return false;
    }
    return true;
}

enum trail_err sources_init(struct sources *ret_sources, const struct trail_options *options,
                            struct trail_error *ret_error)
{
    char directory[OS_PATH_SIZE];

    *ret_sources = (struct sources){ 0 };
    bool copied = copy_options(ret_sources, options->settings);
    if (copied && options->env_file != NULL) {
        ret_sources->env_file = strdup(options->env_file);
        copied = ret_sources->env_file != NULL;
    }
    if (copied && getcwd(directory, sizeof directory) != NULL) {
        ret_sources->directory = strdup(directory);
        copied = ret_sources->directory != NULL;
    }
    return copied ? TRAIL_OK : error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for the trail's options");
}

void sources_done(struct sources *sources)
{
    for (size_t i = 0; sources->options != NULL && sources->options[i] != NULL; i++)
        free(sources->options[i]);
    free(sources->options);
    free(sources->env_file);
    free(sources->directory);
    *sources = (struct sources){ 0 };
}

/* The env file as it is called from where we are now. The file of which nobody spoke (.env) has to be looked for: by
 * any other name it would have to be there. */
static const char *env_file_now(const struct sources *sources, char absolute[OS_PATH_SIZE])
{
    char        directory[OS_PATH_SIZE];
    struct stat status;
    const char *given = sources->env_file;
    bool        is_fixed = given != NULL && (given[0] == '\0' || given[0] == '/');

    bool is_at_home = getcwd(directory, sizeof directory) != NULL && sources->directory != NULL &&
                      strcmp(directory, sources->directory) == 0;
    if (is_fixed || is_at_home || sources->directory == NULL ||
        !os_path_join(absolute, sources->directory, given != NULL ? given : ".env"))
        return given;
    if (given == NULL && (stat(absolute, &status) != 0 || S_ISDIR(status.st_mode)))
        return "";
    return absolute;
}

enum trail_err sources_read(const struct sources *sources, struct settings *settings, struct settings_report *report)
{
    char                  absolute[OS_PATH_SIZE];
    struct settings_input input = {
        .options = (const char *const *)sources->options,
        .environment = (const char *const *)environ,
        .env_file = env_file_now(sources, absolute),
    };
    return settings_load(settings, &input, report);
}
