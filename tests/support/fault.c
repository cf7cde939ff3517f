/* fault.c -- lets a wrapped function fail at a chosen call, and counts how often it did. */
#include "support/fault.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

bool fault_strikes(struct fault *fault)
{
    bool strikes = false;
    pthread_mutex_lock(&lock);
    if (fault->skip > 0) {
        fault->skip--;
    } else if (fault->times > 0) {
        fault->times--;
        fault->struck++;
        strikes = true;
    }
    pthread_mutex_unlock(&lock);
    return strikes;
}

void fault_arm(struct fault *fault, unsigned skip, unsigned times, int error)
{
    pthread_mutex_lock(&lock);
    *fault = (struct fault){ .skip = skip, .times = times, .error = error };
    pthread_mutex_unlock(&lock);
}

unsigned fault_struck(struct fault *fault)
{
    pthread_mutex_lock(&lock);
    unsigned struck = fault->struck;
    pthread_mutex_unlock(&lock);
    return struck;
}
