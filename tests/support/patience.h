/* patience.h -- waits until something is true, and gives up after a time that no machine needs.
 *
 * Thread: any.
 * Memory: none.
 * Errors: false: it did not become true.
 */
#ifndef TESTS_SUPPORT_PATIENCE_H
#define TESTS_SUPPORT_PATIENCE_H

#include <stdbool.h>

typedef bool (*patience_fn)(void *context);

/* Ask again and again, for at most 20 seconds of real time. */
bool patience_until(patience_fn is_true, void *context);

#endif
