/* options.c -- a command's options: one const table from which both parsing and --help come. */
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

#include "cli/help.h"
#include "cli/screen.h"
#include "cli/suggest.h"

static const char *take_env_file(void *context, const char *value)
{
    struct options *options = context;
    options->env_file = value;
    return NULL;
}

static const char *take_setting(void *context, const char *value)
{
    struct options *options = context;
    if (strncmp(value, "AUDIT_TRAIL_", 12) != 0 || strchr(value, '=') == NULL)
        return "AUDIT_TRAIL_NAME=value (`audittrail config show` lists the names)";
    if (options->setting_count == OPTIONS_SET_MAX)
        return "fewer settings; put them into a file and name it with --env-file";
    options->settings[options->setting_count++] = value;
    return NULL;
}

static const char *take_color(void *context, const char *value)
{
    (void)context;
    return screen_choose_colors(value) ? NULL : "auto, always or never";
}

const struct option_info options_common[] = {
    { "env-file", 0, "FILE", "read settings from FILE instead of .env", take_env_file },
    { "set", 0, "AUDIT_TRAIL_X=value", "set one setting, winning over environment and file; repeatable", take_setting },
    { "color", 0, "WHEN", "colours: auto (if not given: on a terminal, unless NO_COLOR is set), always, never",
      take_color, SCREEN_COLORS_CHOICES },
    { "help", 'h', NULL, "print this", NULL },
    { .name = NULL },
};

/* One command line on its way through the parser. */
struct parser {
    struct options     *options;
    const struct usage *usage;
    char              **next; /* The following argument; NULL at the end. */
    void               *context;
};

static bool fail_usage(struct parser *parser, const char *what, const char *detail)
{
    fprintf(stderr, "audittrail %s: %s%s (see `audittrail %s --help`)\n", parser->usage->command, what, detail,
            parser->usage->command);
    parser->options->exit_code = EXIT_CODE_USAGE;
    return false;
}

/* `argument` begins with a dash; *ret_size is the length of the name in it. */
static const struct option_info *find_in(const struct option_info *option, const char *argument, size_t *ret_size)
{
    for (; option->name != NULL; option++) {
        if (argument[1] != '-') {
            *ret_size = 2;
            if (option->letter != 0 && option->letter == argument[1])
                return option;
            continue;
        }
        *ret_size = 2 + strlen(option->name);
        if (strncmp(argument + 2, option->name, *ret_size - 2) == 0 &&
            (argument[*ret_size] == '\0' || argument[*ret_size] == '='))
            return option;
    }
    return NULL;
}

static bool fail_unknown(struct parser *parser, const char *argument)
{
    char              name[64];
    char              hint[128] = "";
    struct suggestion suggestion = SUGGESTION_FOR(name);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
    for (const struct option_info *option = parser->usage->options; option->name != NULL; option++)
        suggest_consider(&suggestion, option->name);
    for (const struct option_info *option = options_common; option->name != NULL; option++)
        suggest_consider(&suggestion, option->name);
    if (argument[1] == '-' && suggestion.nearest != NULL)
        snprintf(hint, sizeof hint, "; did you mean --%s?", suggestion.nearest);

    char what[160];
    snprintf(what, sizeof what, "unknown option %.80s", argument);
    return fail_usage(parser, what, hint);
}

static bool take_value(struct parser *parser, const struct option_info *option, void *context, const char *rest)
{
    const char *value = rest;
    char        what[256];

    if (option->argument == NULL && rest != NULL) {
        snprintf(what, sizeof what, "--%s takes no value, and was given %.80s", option->name, rest);
        return fail_usage(parser, what, "");
    }
    if (option->argument != NULL && option->argument[0] != '[' && value == NULL) {
        if (*parser->next == NULL) {
            snprintf(what, sizeof what, "--%s needs a value: %s", option->name, option->argument);
            return fail_usage(parser, what, "");
        }
        value = *parser->next++;
    }
    const char *expected = option->take(context, value);
    if (expected == NULL)
        return true;
    snprintf(what, sizeof what, "--%s %.120s: expected ", option->name, value != NULL ? value : "");
    return fail_usage(parser, what, expected);
}

/* *ret_more: it is a letter without a value, and others follow it. */
static bool parse_one(struct parser *parser, const char *argument, bool *ret_more)
{
    *ret_more = false;
    size_t                    size = 0;
    void                     *context = parser->context;
    const struct option_info *option = find_in(parser->usage->options, argument, &size);
    if (option == NULL) {
        option = find_in(options_common, argument, &size);
        context = parser->options;
    }
    if (option == NULL)
        return fail_unknown(parser, argument);
    if (option->take == NULL) { /* --help is the only one. */
        help_print(parser->usage, stdout);
        parser->options->exit_code = EXIT_CODE_OK;
        return false;
    }
    if (argument[1] == '-')
        return take_value(parser, option, context, argument[size] == '=' ? argument + size + 1 : NULL);
    *ret_more = argument[2] != '\0' && option->argument == NULL;
    return take_value(parser, option, context, argument[2] != '\0' && !*ret_more ? argument + 2 : NULL);
}

/* "-fn5" is "-f -n5". The letter in front is a dash meanwhile: so a value stays a view of `argument`. */
static bool parse_option(struct parser *parser, char *argument)
{
    bool more = false;
    bool valid = parse_one(parser, argument, &more);
    while (valid && more) {
        char letter = *++argument;
        *argument = '-';
        valid = argument[1] != '-' ? parse_one(parser, argument, &more) : fail_unknown(parser, argument);
        *argument = letter;
    }
    return valid;
}

static bool parse_operand(struct parser *parser, const char *argument)
{
    struct options *options = parser->options;
    size_t          max = parser->usage->operands_max;
    if (options->operand_count >= max || options->operand_count == OPTIONS_OPERANDS_MAX) {
        char what[160];
        snprintf(what, sizeof what, "%s: %.80s", max == 0 ? "takes only options, not" : "too many arguments", argument);
        return fail_usage(parser, what, "");
    }
    options->operands[options->operand_count++] = argument;
    return true;
}

bool options_parse(struct options *options, const struct usage *usage, char **argv, void *context)
{
    struct parser parser = { options, usage, argv + 1, context };
    bool          only_operands = false;

    *options = (struct options){ 0 };
    while (*parser.next != NULL) {
        char *argument = *parser.next++;
        bool  is_option = !only_operands && argument[0] == '-' && argument[1] != '\0';
        if (is_option && strcmp(argument, "--") == 0)
            only_operands = true;
        else if (!(is_option ? parse_option(&parser, argument) : parse_operand(&parser, argument)))
            return false;
    }
    return true;
}

bool options_add_setting(struct options *options, const char *text)
{
    size_t name_size = strcspn(text, "=") + 1;
    for (size_t i = 0; i < options->setting_count; i++) {
        if (strncmp(options->settings[i], text, name_size) == 0)
            return true;
    }
    if (options->setting_count == OPTIONS_SET_MAX)
        return false;
    options->settings[options->setting_count++] = text;
    return true;
}

bool options_number(const char *value, unsigned long long max, unsigned long long *ret_number)
{
    unsigned long long number = 0;
    if (*value == '\0')
        return false;
    for (; *value != '\0'; value++) {
        if (*value < '0' || *value > '9')
            return false;
        unsigned digit = (unsigned)(*value - '0');
        if (digit > max || number > (max - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *ret_number = number;
    return true;
}
