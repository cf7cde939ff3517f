/* load_settings.c -- the settings a command works with, from its options, the environment and the env file. */
#include "cli/load_settings.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/screen.h"

bool load_settings(struct settings *ret_settings, const struct options *options, const char *command)
{
    struct settings_input input = {
        .options = options->settings,
        .environment = (const char *const *)environ,
        .env_file = options->env_file,
    };
    struct settings_report report;
    enum trail_err         err = settings_load(ret_settings, &input, &report);

    struct screen screen = screen_of(stderr);
    for (size_t i = 0; command != NULL && i < report.problem_count; i++) {
        fprintf(stderr, "audittrail %s: ", command);
        if (report.problems[i].warning)
            screen_print(&screen, stderr, STYLE_WARNING, "warning: ");
        fprintf(stderr, "%s\n", report.problems[i].message);
    }
    if (command != NULL && err != TRAIL_OK && report.error_count == 0)
        fprintf(stderr, "audittrail %s: %s\n", command, trail_strerror(err));
    settings_report_done(&report);
    return err == TRAIL_OK;
}
