/* load_settings.h -- the settings a command works with, from its options, the environment and the env file.
 *
 * Thread: the main thread.
 * Memory: give *ret_settings to settings_done() whatever is returned.
 * Errors: every problem is told on stderr; warnings do not stop the command.
 */
#ifndef AUDITTRAIL_CLI_LOAD_SETTINGS_H
#define AUDITTRAIL_CLI_LOAD_SETTINGS_H

#include "base/settings.h"
#include "cli/options.h"

/* False: a setting is wrong. `command` NULL: say nothing. */
bool load_settings(struct settings *ret_settings, const struct options *options, const char *command);

#endif
