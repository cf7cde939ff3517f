/* paragraph.h -- prints running text within a width: a label, and the text beside it.
 *
 * Thread: one owner of the stream.
 * Memory: borrows everything for the call.
 * Errors: write errors stay in the stream; without memory nothing is printed but the label.
 */
#ifndef AUDITTRAIL_CLI_PARAGRAPH_H
#define AUDITTRAIL_CLI_PARAGRAPH_H

#include <stdio.h>

#include "audittrail.h"

/* Where there is no terminal, and beyond what is read with ease on a wide one. */
#define PARAGRAPH_WIDTH 100
#define PARAGRAPH_WIDTH_MAX 120

/* The width to print within: the terminal's, if there is one, within reason. */
size_t paragraph_width(FILE *out);

/* Print `label`, filled up to `indent` columns, and `text` beside it in lines that end before `width`, broken at
 * blanks. A word that is longer stays whole: it may be a path. Control characters are spelled out. */
void paragraph_print(FILE *out, size_t width, const char *label, size_t indent, struct trail_text text);

#endif
