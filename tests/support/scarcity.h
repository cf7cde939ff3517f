/* scarcity.h -- lets the N-th allocation of a run fail: ours, and if asked for those of the libraries under us.
 *
 * Ours are found by the linker (--wrap; the library `scarcity` brings the options along), those of SQLite, jansson and
 * OpenSSL through the hooks that they have for it. That works beside a sanitizer, whose own malloc stays where it is.
 *
 * Thread: any; the count is one for all threads.
 * Memory: none.
 * Errors: scarcity_hook_libraries() aborts when a library will not be hooked.
 */
#ifndef TESTS_SUPPORT_SCARCITY_H
#define TESTS_SUPPORT_SCARCITY_H

#include <stdbool.h>

/* Once, before any of the libraries is used. */
void scarcity_hook_libraries(void);

/* From now on one allocation fails: the first after `skip` others. */
void scarcity_begin(unsigned skip, bool libraries_too);

/* No allocation fails any more. True: one did. */
bool scarcity_end(void);

#endif
