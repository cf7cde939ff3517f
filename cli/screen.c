/* screen.c -- what the terminal behind a stream can show: how much, and whether in colour. */
#include "cli/screen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum colors { COLORS_AUTO, COLORS_ALWAYS, COLORS_NEVER };

static enum colors chosen; /* mutable: what --color said, once, before anything is printed. */

bool screen_choose_colors(const char *word)
{
    static const char *const words[] = { "auto", "always", "never" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(word, words[i]) == 0) {
            chosen = (enum colors)i;
            return true;
        }
    }
    return false;
}

bool screen_is_dumb(void)
{
    const char *term = getenv("TERM");
    return term == NULL || term[0] == '\0' || strcmp(term, "dumb") == 0;
}

/* Whether the environment lets a terminal have colours. */
static bool environment_agrees(void)
{
    const char *no_color = getenv("NO_COLOR");
    return (no_color == NULL || no_color[0] == '\0') && !screen_is_dumb();
}

struct screen screen_of(FILE *out)
{
    struct screen  screen = { .colors = chosen == COLORS_ALWAYS };
    struct winsize size;

    if (!isatty(fileno(out)))
        return screen;
    if (chosen == COLORS_AUTO)
        screen.colors = environment_agrees();
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0) {
        screen.width = size.ws_col;
        screen.height = size.ws_row;
    }
    return screen;
}

const char *style_begin(enum style style)
{
    switch (style) {
    case STYLE_PLAIN: return "";
    case STYLE_HEADING: return "\x1b[1m";
    case STYLE_BAD: return "\x1b[31m";
    case STYLE_WARNING: return "\x1b[33m";
    case STYLE_GAP: return "\x1b[35m";
    }
    return "";
}

const char *style_end(enum style style)
{
    return style == STYLE_PLAIN ? "" : "\x1b[0m";
}

void screen_print(const struct screen *screen, FILE *out, enum style style, const char *text)
{
    if (!screen->colors)
        style = STYLE_PLAIN;
    fprintf(out, "%s%s%s", style_begin(style), text, style_end(style));
}
