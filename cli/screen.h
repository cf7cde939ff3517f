/* screen.h -- what the terminal behind a stream can show: how much, and whether in colour.
 *
 * Colours help an eye and hurt a program, so they are for terminals alone: off a terminal, with NO_COLOR set to
 * anything but nothing (no-color.org) and with TERM=dumb there are none. --color says otherwise; it is about the
 * command as a whole, so it is kept here and not carried through everything that prints. What a program reads, csv,
 * json and ndjson, has none whatever is said.
 *
 * Thread: screen_choose_colors() before anything is printed; the rest from any.
 * Memory: none; plain values and static strings.
 * Errors: none.
 */
#ifndef AUDITTRAIL_CLI_SCREEN_H
#define AUDITTRAIL_CLI_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

/* What --color can say. */
#define SCREEN_COLORS_CHOICES "auto always never"

/* What a text is, not how it looks: that stands in one place. */
enum style {
    STYLE_PLAIN,
    STYLE_HEADING,
    STYLE_BAD,     /* Denied, failed, an error. */
    STYLE_WARNING, /* To be looked at; only partly done. */
    STYLE_GAP      /* Here events are missing. */
};

struct screen {
    size_t width;  /* Columns; 0: no terminal, or one that does not say. */
    size_t height; /* Lines; 0 likewise. */
    bool   colors;
};

/* Take one of SCREEN_COLORS_CHOICES for all screens from now on. False: it is none of them. */
bool screen_choose_colors(const char *word);

struct screen screen_of(FILE *out);

/* Not a terminal that understands escape sequences: TERM is dumb, or says nothing. */
bool screen_is_dumb(void);

/* What to write in front of a text of this style, and behind it; "" where there is nothing to write. */
const char *style_begin(enum style style);
const char *style_end(enum style style);

/* Print `text`, in its style if there are colours. */
void screen_print(const struct screen *screen, FILE *out, enum style style, const char *text);

#endif
