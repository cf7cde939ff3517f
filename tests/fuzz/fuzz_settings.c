/* fuzz_settings.c -- whatever an operator configures: it is taken whole or told of, and reads back as it is shown.
 *
 * Goal:   no file, environment or option crashes the load; every problem is a sentence that can be printed; there is an
 *         error in the report exactly when the load fails; a value that was taken, written and read again is the same.
 * Method: libFuzzer with ASan and UBSan through settings_load() itself, the env file being a real one. The input is cut
 *         at the byte 0xFE, which no text holds: first the file, then strings of the environment ("E..."), the
 *         program's name ("P...") and options (the rest).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/settings.h"
#include "base/text.h"

#define STRINGS_MAX 16
#define SEPARATOR 0xFE

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* The input as settings_load() takes it. */
struct configuration {
    char       *copy; /* Of the input, its parts ended by NUL. */
    const char *options[STRINGS_MAX + 1];
    const char *environment[STRINGS_MAX + 1];
    const char *program;
};

static int  file_fd = -1;
static char file_path[32];

static void require(bool promise)
{
    if (!promise)
        abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    file_fd = memfd_create("env", MFD_CLOEXEC);
    require(file_fd >= 0);
    snprintf(file_path, sizeof file_path, "/proc/self/fd/%d", file_fd);
    return 0;
}

static void add_string(const char **list, const char *string)
{
    size_t count = 0;
    while (list[count] != NULL)
        count++;
    if (count < STRINGS_MAX)
        list[count] = string;
}

static void take_apart(struct configuration *configuration, const uint8_t *data, size_t size)
{
    *configuration = (struct configuration){ .copy = malloc(size + 1) };
    require(configuration->copy != NULL);
    memcpy(configuration->copy, data, size);
    configuration->copy[size] = '\0';

    char  *part = memchr(configuration->copy, SEPARATOR, size);
    size_t file_size = part != NULL ? (size_t)(part - configuration->copy) : size;
    require(ftruncate(file_fd, 0) == 0 && pwrite(file_fd, data, file_size, 0) == (ssize_t)file_size);
    while (part != NULL) {
        char *start = part + 1;
        part = memchr(start, SEPARATOR, (size_t)(configuration->copy + size - start));
        if (part != NULL)
            *part = '\0';
        if (start[0] == 'P')
            configuration->program = start + 1;
        else if (start[0] == 'E')
            add_string(configuration->environment, start + 1);
        else
            add_string(configuration->options, start);
    }
}

/* Text that can be shown on a terminal: ends in its room, is UTF-8, steers nothing (nor do the C1 controls). */
static bool is_printable(const char *string, size_t room)
{
    const char *end = memchr(string, '\0', room);
    require(end != NULL);
    if (!text_is_clean(text_of(string, (size_t)(end - string))))
        return false;
    for (const char *c = string; c < end; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte < 0x20 || byte == 0x7F || (byte == 0xC2 && (unsigned char)c[1] < 0xA0))
            return false;
    }
    return true;
}

static void check_report(const struct settings_report *report, enum trail_err err)
{
    size_t errors = 0;
    for (size_t i = 0; i < report->problem_count; i++) {
        const struct settings_problem *problem = &report->problems[i];
        require(problem->message[0] != '\0');
        require(is_printable(problem->name, sizeof problem->name));
        require(is_printable(problem->value, sizeof problem->value));
        require(is_printable(problem->message, sizeof problem->message));
        require(problem->warning || problem->name[0] == '\0' || strstr(problem->message, problem->name) != NULL);
        errors += problem->warning ? 0 : 1;
    }
    require(errors <= report->error_count);
    require(err == TRAIL_OK || err == TRAIL_ECONFIG);
    require((err == TRAIL_OK) == (report->error_count == 0));
}

/* Every value, given as it is shown (a password aside, which is not shown), is taken and shown the same. */
static void check_values(const struct settings *settings, const struct configuration *given)
{
    char                   shown[SETTING_COUNT][SETTING_VALUE_BYTES_MAX / 8];
    char                  *strings[SETTING_COUNT];
    const char            *options[SETTING_COUNT + 1] = { NULL };
    struct settings        again;
    struct settings_report report;

    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        const struct setting_info *info = setting_info(id);
        settings_format_value(settings, id, shown[id], sizeof shown[id]);
        require(is_printable(shown[id], sizeof shown[id]));
        const char *value = info->secret ? settings->database_url : shown[id];
        require(asprintf(&strings[id], "%s=%s", info->name, value) > 0);
        options[id] = strings[id];
    }
    struct settings_input input = {
        .options = options, .environment = given->environment, .env_file = "", .program = given->program
    };
    require(settings_load(&again, &input, &report) == TRAIL_OK);
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        char same[sizeof shown[id]];
        settings_format_value(&again, id, same, sizeof same);
        require(strcmp(same, shown[id]) == 0);
        free(strings[id]);
    }
    settings_done(&again);
    settings_report_done(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct configuration   configuration;
    struct settings        settings;
    struct settings_report report;

    take_apart(&configuration, data, size);
    struct settings_input input = {
        .options = configuration.options,
        .environment = configuration.environment,
        .env_file = file_path,
        .program = configuration.program,
    };
    enum trail_err err = settings_load(&settings, &input, &report);
    check_report(&report, err);
    if (err == TRAIL_OK)
        check_values(&settings, &configuration);
    settings_done(&settings);
    settings_report_done(&report);
    free(configuration.copy);
    return 0;
}
