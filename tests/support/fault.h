/* fault.h -- lets a wrapped function fail at a chosen call, and counts how often it did.
 *
 * A test links with -Wl,--wrap=f and writes __wrap_f(), which asks fault_strikes(). {0} never strikes: the control.
 *
 * Thread: any.
 * Memory: a plain value.
 * Errors: none.
 */
#ifndef TESTS_SUPPORT_FAULT_H
#define TESTS_SUPPORT_FAULT_H

#include <stdbool.h>

#define FAULT_FOREVER 0x40000000u

struct fault {
    unsigned skip;   /* So many calls succeed first. */
    unsigned times;  /* So many then fail. */
    unsigned struck; /* So many did. */
    int      error;  /* errno of the failure. */
};

/* Count one call; true when it has to fail. */
bool fault_strikes(struct fault *fault);

/* Start anew. */
void fault_arm(struct fault *fault, unsigned skip, unsigned times, int error);

/* How often it struck so far. */
unsigned fault_struck(struct fault *fault);

#endif
