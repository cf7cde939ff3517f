/* output_format.c -- the forms in which events are printed. */
#include "cli/output_format.h"

#include <string.h>

bool output_format_parse(const char *name, enum output_format *ret_format)
{
    static const char *const names[] = { "table", "json", "ndjson", "csv" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret_format = (enum output_format)i;
            return true;
        }
    }
    return false;
}
