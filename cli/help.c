/* help.c -- what --help prints, made of the same table as the parsing. */
#include "cli/help.h"

#include <string.h>

#define OPTION_COLUMN 28 /* Where the help of an option begins. */
#define OPTION_WIDTH 72  /* Its columns: a hundred in all. */

bool help_is_optional(const struct option_info *option)
{
    return option->argument != NULL && option->argument[0] == '[';
}

/* Print words from OPTION_COLUMN on, in lines of at most OPTION_WIDTH. */
static void print_wrapped(const char *help, FILE *out)
{
    size_t used = 0;
    while (*help != '\0') {
        size_t size = strcspn(help, " ");
        if (used > 0 && used + 1 + size > OPTION_WIDTH) {
            fprintf(out, "\n%*s", OPTION_COLUMN, "");
            used = 0;
        }
        fprintf(out, "%s%.*s", used > 0 ? " " : "", (int)size, help);
        used += size + (used > 0 ? 1 : 0);
        help += size + strspn(help + size, " ");
    }
    putc('\n', out);
}

static void print_options(const struct option_info *option, FILE *out)
{
    for (; option->name != NULL; option++) {
        char letter[5] = "    ";
        char left[80];
        if (option->letter != 0)
            snprintf(letter, sizeof letter, "-%c, ", option->letter);
        snprintf(left, sizeof left, "  %s--%s%s%s", letter, option->name,
                 option->argument == NULL || help_is_optional(option) ? "" : " ",
                 option->argument == NULL ? "" : option->argument);
        if (strlen(left) < OPTION_COLUMN - 1)
            fprintf(out, "%-*s", OPTION_COLUMN, left);
        else
            fprintf(out, "%s\n%*s", left, OPTION_COLUMN, "");
        print_wrapped(option->help, out);
    }
}

void help_print_exit_codes(FILE *out)
{
    fprintf(out, "\nexit codes:\n");
#define PRINT_EXIT_CODE(symbol, number, meaning) fprintf(out, "  %d  %s\n", number, meaning);
    EXIT_CODE_MAP(PRINT_EXIT_CODE)
#undef PRINT_EXIT_CODE
}

void help_print(const struct usage *usage, FILE *out)
{
    fprintf(out, "usage: audittrail %s %s\n\n%s\n", usage->command, usage->synopsis, usage->about);
    if (usage->options[0].name != NULL) {
        fprintf(out, "\noptions:\n");
        print_options(usage->options, out);
    }
    fprintf(out, "\noptions of every command:\n");
    print_options(options_common, out);
    if (usage->notes != NULL)
        fprintf(out, "\n%s\n", usage->notes);
    help_print_exit_codes(out);
}
