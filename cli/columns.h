/* columns.h -- a stored event as named cells: what --columns can ask for.
 *
 * The names are those of the view audit_trail, so that CSV, SQL and this command speak of the same things. Three more
 * are put together for people: time, user, resource.
 *
 * Thread: any.
 * Memory: cells are appended to the caller's buffer.
 * Errors: none (buf_failed() for the buffer).
 */
#ifndef AUDITTRAIL_CLI_COLUMNS_H
#define AUDITTRAIL_CLI_COLUMNS_H

#include "base/buf.h"
#include "cli/screen.h"

struct column;

/* The columns that --columns chose, in its order. */
#define COLUMNS_MAX 64
struct columns {
    const struct column *list[COLUMNS_MAX];
    size_t               count;
};

/* Read "time,user,operation". False: one of the names is unknown, or none is left. */
bool columns_parse(struct columns *ret_columns, const char *names);

/* time, user, operation, action, resource, outcome: what fits a terminal. */
void columns_for_people(struct columns *ret_columns);

/* Everything that is stored. */
void columns_complete(struct columns *ret_columns);

const char *column_name(const struct column *column);

/* How wide its cells mostly are: for rows that must be shown before there are enough of them to measure. */
size_t column_usual_width(const struct column *column);

/* The cell of `event`, as it is stored; empty when the event does not have it. */
void column_append(const struct column *column, const struct trail_stored_event *event, struct buf *out);

/* What the cell is to the eye: what went wrong and what is missing stands out. */
enum style column_style(const struct column *column, const struct trail_stored_event *event);

/* All names, separated by blanks: for help, messages and tables of options. */
extern const char columns_all[];

/* Behind the options of a command: "columns: ..." with all names, in lines that fit a terminal, and `behind`, together
 * less than COLUMNS_NOTES_SIZE. Returns `storage`. */
#define COLUMNS_NOTES_SIZE 2048
const char *columns_notes(char storage[COLUMNS_NOTES_SIZE], const char *behind);

#endif
