/* csv.h -- one cell of RFC 4180, made harmless for spreadsheets.
 *
 * A spreadsheet runs a cell that begins with = + - @ TAB CR or LF as a formula, some also with the wide forms of these
 * characters, and the text of an event comes from whoever was audited. Such a cell gets a leading apostrophe, which
 * spreadsheets take as "this is text". Blanks, invisible characters and quotes in front are looked through, because
 * some programs strip them first. This is what OWASP asks for ("CSV injection"), and a little more.
 *
 * Cells with a semicolon or a tab are quoted although RFC 4180 does not ask for it: a program that guesses the
 * separator must not see one inside of a cell.
 *
 * Thread: any.
 * Memory: appends to the caller's buffer.
 * Errors: buf_failed().
 */
#ifndef AUDITTRAIL_CLI_CSV_H
#define AUDITTRAIL_CLI_CSV_H

#include "base/buf.h"

/* Append a cell, with a comma before it unless it is the first of its line. */
void csv_append_cell(struct buf *out, struct trail_text text, bool first);

/* End the line. */
void csv_append_end(struct buf *out);

#endif
