/* suggest.h -- finds the known word that someone probably meant.
 *
 * Thread: any.
 * Memory: returns one of the words it was given.
 * Errors: none.
 */
#ifndef AUDITTRAIL_CLI_SUGGEST_H
#define AUDITTRAIL_CLI_SUGGEST_H

#include <stddef.h>

/* The nearest word so far; start from SUGGESTION_FOR. */
struct suggestion {
    const char *wanted;
    const char *nearest;  /* NULL: no word is near enough. */
    size_t      distance; /* Letters to change, add, leave out or swap. */
};

#define SUGGESTION_FOR(word) \
    {                        \
        (word), NULL, 0      \
    }

/* Consider one known word. */
void suggest_consider(struct suggestion *suggestion, const char *known);

#endif
