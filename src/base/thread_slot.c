/* thread_slot.c -- gives each living thread a small number of its own. */
#include "base/thread_slot.h"

#include <pthread.h>

__thread uint8_t thread_slot_plus_one __attribute__((tls_model("initial-exec"), visibility("hidden"))) =
    0; /* mutable: per thread */

/* Bit n: number n is taken. The shared number is never marked. */
static uint64_t taken; /* mutable: atomic, shared by all trails of the process */

/* Its destructor gives a thread's number back. */
static pthread_key_t  exit_key;                          /* mutable: set once */
static pthread_once_t exit_key_once = PTHREAD_ONCE_INIT; /* mutable: that once */
static int            exit_key_failed;                   /* mutable: set once */

static void give_back(void *slot_plus_one)
{
    unsigned slot = (unsigned)(uintptr_t)slot_plus_one - 1;
    thread_slot_plus_one = THREAD_SLOT_SHARED + 1; /* Destructors of others may still count. */
    __atomic_fetch_and(&taken, ~(UINT64_C(1) << slot), __ATOMIC_RELEASE);
}

static void make_exit_key(void)
{
    exit_key_failed = pthread_key_create(&exit_key, give_back);
}

/* Take the lowest free number; THREAD_SLOT_SHARED if there is none. */
static unsigned take(void)
{
    uint64_t now = __atomic_load_n(&taken, __ATOMIC_RELAXED);
    for (;;) {
        unsigned slot = ~now != 0 ? (unsigned)__builtin_ctzll(~now) : THREAD_SLOT_SHARED;
        if (slot >= THREAD_SLOT_SHARED)
            return THREAD_SLOT_SHARED;
        if (__atomic_compare_exchange_n(&taken, &now, now | UINT64_C(1) << slot, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return slot;
    }
}

unsigned thread_slot_assign(void)
{
    pthread_once(&exit_key_once, make_exit_key);
    unsigned slot = exit_key_failed == 0 ? take() : THREAD_SLOT_SHARED;

    if (slot != THREAD_SLOT_SHARED && pthread_setspecific(exit_key, (void *)(uintptr_t)(slot + 1)) != 0) {
        __atomic_fetch_and(&taken, ~(UINT64_C(1) << slot), __ATOMIC_RELEASE);
        slot = THREAD_SLOT_SHARED;
    }
    thread_slot_plus_one = (uint8_t)(slot + 1);
    return slot;
}

void thread_slot_after_fork(void)
{
    unsigned plus_one = thread_slot_plus_one;
    uint64_t own = plus_one != 0 && plus_one - 1 != THREAD_SLOT_SHARED ? UINT64_C(1) << (plus_one - 1) : 0;
    __atomic_store_n(&taken, own, __ATOMIC_RELAXED);
}
