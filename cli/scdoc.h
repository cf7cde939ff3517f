/* scdoc.h -- writes text as scdoc reads it, the small language that becomes manual pages.
 *
 * Stored in our tables are plain text (help, notes) and a little Markdown (the settings). Whatever is special to scdoc
 * is escaped, so that a word means the same on the page as on the terminal.
 *
 * Thread: any; one owner per buffer.
 * Memory: appended to the caller's buffer.
 * Errors: none (buf_failed() for the buffer).
 */
#ifndef AUDITTRAIL_CLI_SCDOC_H
#define AUDITTRAIL_CLI_SCDOC_H

#include "base/buf.h"

/* "# name". scdoc takes headings as they stand: nothing in them is escaped. */
void scdoc_section(struct buf *out, const char *name);

/* One line of text as it stands. */
void scdoc_words(struct buf *out, struct trail_text text);

/* The same in bold. */
void scdoc_bold(struct buf *out, const char *text);

/* Text of several lines. Lines that begin with a blank or have columns (two blanks in a row) stay as they are, the
 * others flow together; an empty line ends a paragraph. */
void scdoc_prose(struct buf *out, struct trail_text text);

/* A block that stays as it is; `indent` blanks are taken from the beginning of each line. */
void scdoc_literal(struct buf *out, struct trail_text lines, size_t indent);

/* Paragraphs, lists, tables and fenced blocks of Markdown, with `code` in bold. */
void scdoc_markdown(struct buf *out, const char *text);

#endif
