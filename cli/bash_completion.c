/* bash_completion.c -- the script with which bash completes our command lines, made of the tables that we parse by.
 *
 * The script has four functions of tables, each a `case` that echoes words, and one that knows no command by name. What
 * _audittrail_values echoes begins with a word that says how the rest is taken:
 *
 *     WORD    one of the words            LIST     any of them, separated by commas
 *     MAYBE   one, only behind `=`        FILE     a file
 *     SETTING a name, `=`, its value      ANY      something that we cannot guess
 *
 * bash makes `=` a word of its own (COMP_WORDBREAKS), unless told otherwise; both ways are understood. */
#include "cli/bash_completion.h"

#include <string.h>

#include "base/settings.h"
#include "cli/commands.h"
#include "cli/help.h"

static const char script_begin[] =
    "# bash completion for audittrail " TRAIL_VERSION ", made by `audittrail completion bash`. -*- sh -*-\n\n";

static const char script_end[] =
    "_audittrail() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}\n"
    "    local prefix= attached= values\n"
    "    COMPREPLY=()\n"
    "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
    "        COMPREPLY=($(compgen -W \"$(_audittrail_commands) --help --version\" -- \"$cur\"))\n"
    "        return\n"
    "    fi\n"
    "    if [[ $cur == = ]]; then\n"
    "        cur= attached=yes\n"
    "    elif [[ $option == = ]]; then\n"
    "        option=${COMP_WORDS[COMP_CWORD - 2]} attached=yes\n"
    "    fi\n"
    "    while [[ $cur == *=* && ($cur == --* || $cur == AUDIT_TRAIL_*) ]]; do\n"
    "        option=${cur%%=*} attached=yes prefix+=${cur%%=*}= cur=${cur#*=}\n"
    "    done\n"
    "    values=$(_audittrail_values \"$command\" \"$option\")\n"
    "    [[ $values != MAYBE* || -n $attached ]] || values=\n"
    "    if [[ -z $values && -z $attached ]]; then\n"
    "        values=$(_audittrail_operands \"$command\")\n"
    "        [[ $cur != -* && -n $values ]] || values=\"WORD $(_audittrail_options \"$command\")\"\n"
    "    fi\n"
    "    case $values in\n"
    "        FILE*)\n"
    "            compopt -o filenames 2> /dev/null\n"
    "            mapfile -t COMPREPLY < <(compgen -f -P \"$prefix\" -- \"$cur\")\n"
    "            return ;;\n"
    "        SETTING*)\n"
    "            compopt -o nospace 2> /dev/null ;;\n"
    "        LIST*)\n"
    "            [[ $cur != *,* ]] || prefix+=${cur%,*}, cur=${cur##*,} ;;\n"
    "        ANY* | '')\n"
    "            return ;;\n"
    "    esac\n"
    "    COMPREPLY=($(compgen -P \"$prefix\" -W \"${values#* }\" -- \"$cur\"))\n"
    "}\n"
    "\n"
    "complete -F _audittrail audittrail\n";

static void append_commands(struct buf *out)
{
    buf_append_string(out, "_audittrail_commands() {\n    echo");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        buf_printf(out, " %s", commands[i].name);
    buf_append_string(out, "\n}\n\n");
}

static void append_option_names(struct buf *out, const struct option_info *option)
{
    for (; option->name != NULL; option++)
        buf_printf(out, " --%s", option->name);
}

static void append_options(struct buf *out)
{
    buf_append_string(out, "_audittrail_options() {\n    case $1 in\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        buf_printf(out, "        %s) echo", commands[i].name);
        append_option_names(out, commands[i].usage()->options);
        append_option_names(out, options_common);
        buf_append_string(out, " ;;\n");
    }
    buf_append_string(out, "    esac\n}\n\n");
}

static void append_operands(struct buf *out)
{
    buf_append_string(out, "_audittrail_operands() {\n    case $1 in\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *operands = commands[i].usage()->operands;
        if (operands == NULL)
            continue;
        buf_printf(out, "        %s) echo ", commands[i].name);
        if (strcmp(operands, USAGE_OPERANDS_FILES) == 0)
            buf_append_string(out, "FILE");
        else if (strcmp(operands, USAGE_OPERANDS_COMMANDS) == 0)
            buf_append_string(out, "WORD $(_audittrail_commands)");
        else if (strcmp(operands, USAGE_OPERANDS_SETTINGS) == 0)
            buf_append_string(out, "SETTING $(_audittrail_settings)");
        else
            buf_printf(out, "WORD %s", operands);
        buf_append_string(out, " ;;\n");
    }
    buf_append_string(out, "    esac\n}\n\n");
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text);
    return size >= strlen(end) && strcmp(text + size - strlen(end), end) == 0;
}

static const char *kind_of(const struct option_info *option)
{
    if (strcmp(option->argument, "FILE") == 0)
        return "FILE";
    if (strcmp(option->argument, "AUDIT_TRAIL_X=value") == 0)
        return "SETTING $(_audittrail_settings)";
    if (help_is_optional(option))
        return "MAYBE";
    if (option->choices == NULL)
        return "ANY";
    return ends_with(option->argument, ",...") ? "LIST" : "WORD";
}

/* One `case` per option with a value; `command` may be a pattern. */
static void append_option_values(struct buf *out, const char *command, const struct option_info *option)
{
    for (; option->name != NULL; option++) {
        if (option->argument == NULL)
            continue;
        buf_printf(out, "        %s' --%s'", command, option->name);
        if (option->letter != 0)
            buf_printf(out, " | %s' -%c'", command, option->letter);
        buf_printf(out, ") echo %s", kind_of(option));
        if (option->choices != NULL)
            buf_printf(out, " %s", option->choices + strspn(option->choices, " "));
        buf_append_string(out, " ;;\n");
    }
}

/* "all, writes_only, ..." as words. */
static void append_setting_values(struct buf *out, const struct setting_info *info)
{
    if (info->type != SETTING_TYPE_BOOL && info->type != SETTING_TYPE_CHOICE)
        return;
    buf_printf(out, "        *' %s') echo WORD ", info->name);
    if (info->type == SETTING_TYPE_BOOL)
        buf_append_string(out, "true false");
    else
        for (const char *c = info->allowed; *c != '\0'; c++)
            buf_append(out, c, *c == ',' ? 0 : 1);
    buf_append_string(out, " ;;\n");
}

static void append_values(struct buf *out)
{
    buf_append_string(out, "_audittrail_values() {\n    case \"$1 $2\" in\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        append_option_values(out, commands[i].name, commands[i].usage()->options);
    append_option_values(out, "*", options_common);
    for (enum setting_id id = 0; id < SETTING_COUNT; id++)
        append_setting_values(out, setting_info(id));
    buf_append_string(out, "        *' AUDIT_TRAIL_'*) echo ANY ;;\n    esac\n}\n\n");
}

static void append_settings(struct buf *out)
{
    buf_append_string(out, "_audittrail_settings() {\n    echo");
    for (enum setting_id id = 0; id < SETTING_COUNT; id++)
        buf_printf(out, " %s=", setting_info(id)->name);
    buf_append_string(out, "\n}\n\n");
}

void bash_completion(struct buf *out)
{
    buf_append_string(out, script_begin);
    append_commands(out);
    append_options(out);
    append_operands(out);
    append_settings(out);
    append_values(out);
    buf_append_string(out, script_end);
}
