/* clock_shim.c -- moves the clock of the process it is preloaded into, so that no test sleeps through an interval.
 *
 * CLOCK_SHIM_FILE names a file of 32 little-endian 64-bit numbers, mapped by both sides:
 *
 *     0       int64   offset_us  written by the test: added to every real-time and monotonic clock that is read;
 *                                with CLOCK_SHIM_REALTIME=1 to the real-time clocks alone, as when someone sets the
 *                                date. CLOCK_SHIM_DATE=seconds: so far is the date at the start from the machine's
 *     8       uint64  held       written by the test: 1 = time does not pass by itself, only the offset moves it
 *     16      uint64  threads    written here: how many threads have ever slept in poll()
 *     24 ...  uint64  wakes[29]  written here: how often each of them came back from it
 *
 * A deadline that was made from a shifted clock is shifted back before the kernel sees it, so a wait of one second
 * takes one second whatever the offset. The wakes tell a test that the threads have looked at the new clock, which no
 * pause would: a thread that came back twice since the offset was set has worked with it in between.
 *
 * Thread: any.
 * Memory: one mapping, for the life of the process.
 * Errors: without CLOCK_SHIM_FILE, or when it cannot be mapped, the process ends with 97: a test must not go on with a
 *         clock that it does not hold.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define CANNOT_MAP 97

#define THREADS_MAX 29

struct shared {
    _Atomic int64_t  offset_us;
    _Atomic uint64_t held;
    _Atomic uint64_t threads;
    _Atomic uint64_t wakes[THREADS_MAX];
};

typedef int (*clock_gettime_fn)(clockid_t, struct timespec *);
typedef int (*timedwait_fn)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
typedef int (*poll_fn)(struct pollfd *, nfds_t, int);
typedef int (*clockwait_fn)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);

static struct shared   *shared;
static bool             realtime_only;
static int64_t          date_us;      /* How much later than the machine's the date is when the process starts. */
static struct timespec  started_wall; /* When the first clock was read: where a held clock stands. */
static struct timespec  started_mono;
static clock_gettime_fn real_clock_gettime;
static timedwait_fn     real_timedwait;
static clockwait_fn     real_clockwait;
static poll_fn          real_poll;
static pthread_once_t   once = PTHREAD_ONCE_INIT;

static void *next_symbol(const char *name, const char *version)
{
    void *symbol = version != NULL ? dlvsym(RTLD_NEXT, name, version) : NULL;
    return symbol != NULL ? symbol : dlsym(RTLD_NEXT, name);
}

/* A function pointer from a void pointer, in the way POSIX allows. */
static void resolve(void *ret_function, const char *name, const char *version)
{
    *(void **)ret_function = next_symbol(name, version);
}

static void start(void)
{
    const char *path = getenv("CLOCK_SHIM_FILE");
    int         fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void       *map = MAP_FAILED;
    if (fd >= 0 && lseek(fd, 0, SEEK_END) >= (off_t)sizeof(struct shared))
        map = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        _exit(CANNOT_MAP);
    close(fd);
    shared = map;
    realtime_only = getenv("CLOCK_SHIM_REALTIME") != NULL;
    const char *date = getenv("CLOCK_SHIM_DATE");
    date_us = date != NULL ? strtoll(date, NULL, 10) * 1000000 : 0;

    resolve(&real_clock_gettime, "clock_gettime", NULL);
    resolve(&real_poll, "poll", NULL);
    /* On x86-64 the name has an old version, with another layout of pthread_cond_t. ThreadSanitizer's own function,
     * which must not be passed over, has no version. */
    bool is_tsan_here = dlsym(RTLD_DEFAULT, "__tsan_init") != NULL;
    resolve(&real_timedwait, "pthread_cond_timedwait", is_tsan_here ? NULL : "GLIBC_2.3.2");
    resolve(&real_clockwait, "pthread_cond_clockwait", NULL);
    real_clock_gettime(CLOCK_REALTIME, &started_wall);
    real_clock_gettime(CLOCK_MONOTONIC, &started_mono);
}

static void add_us(struct timespec *time, int64_t us)
{
    int64_t total_ns = (int64_t)time->tv_nsec + (us % 1000000) * 1000;
    int64_t seconds = (int64_t)time->tv_sec + us / 1000000;
    if (total_ns < 0) {
        total_ns += 1000000000;
        seconds--;
    }
    time->tv_sec = (time_t)(seconds + total_ns / 1000000000);
    time->tv_nsec = (long)(total_ns % 1000000000);
}

EXPORT int clock_gettime(clockid_t clock, struct timespec *time)
{
    pthread_once(&once, start);
    bool is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    bool is_mono = clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_MONOTONIC_RAW ||
                   clock == CLOCK_BOOTTIME;
    if (!is_wall && (!is_mono || realtime_only))
        return real_clock_gettime(clock, time);

    int result = 0;
    if (atomic_load_explicit(&shared->held, memory_order_acquire) != 0)
        *time = is_wall ? started_wall : started_mono;
    else
        result = real_clock_gettime(clock, time);
    if (result == 0)
        add_us(time, atomic_load_explicit(&shared->offset_us, memory_order_acquire) + (is_wall ? date_us : 0));
    return result;
}

/* What a deadline by this process's clocks is by the kernel's. */
static struct timespec real_deadline(const struct timespec *deadline)
{
    struct timespec real;
    struct timespec ours;
    clock_gettime(CLOCK_MONOTONIC, &ours);
    real_clock_gettime(CLOCK_MONOTONIC, &real);
    int64_t ahead_us = (ours.tv_sec - real.tv_sec) * INT64_C(1000000) + (ours.tv_nsec - real.tv_nsec) / 1000;

    struct timespec result = *deadline;
    add_us(&result, -ahead_us);
    return result;
}

EXPORT int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return result;
}

EXPORT time_t time(time_t *ret_time)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (ret_time != NULL)
        *ret_time = now.tv_sec;
    return now.tv_sec;
}

EXPORT int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                                  const struct timespec *restrict deadline)
{
    struct timespec real = real_deadline(deadline);
    return real_timedwait(condition, mutex, &real);
}

EXPORT int pthread_cond_clockwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, clockid_t clock,
                                  const struct timespec *restrict deadline)
{
    struct timespec real = real_deadline(deadline);
    return real_clockwait(condition, mutex, clock, &real);
}

EXPORT int poll(struct pollfd *entries, nfds_t count, int timeout_ms)
{
    static _Thread_local uint64_t slot = THREADS_MAX;

    pthread_once(&once, start);
    if (slot == THREADS_MAX)
        slot = atomic_fetch_add_explicit(&shared->threads, 1, memory_order_acq_rel) % THREADS_MAX;
    int result = real_poll(entries, count, timeout_ms);
    atomic_fetch_add_explicit(&shared->wakes[slot], 1, memory_order_release);
    return result;
}
