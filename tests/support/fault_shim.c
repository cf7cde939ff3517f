/* fault_shim.c -- makes the disk of the process it is preloaded into fail at a chosen moment.
 *
 *     FAULT_MSYNC, FAULT_FSYNC, FAULT_FDATASYNC, FAULT_FALLOCATE
 *                    which call fails: "3" the third alone, "3+" the third and all that follow; unset: none
 *     FAULT_REPORT   file to which a line with the call's name is appended whenever one was made to fail, so that
 *                    a test knows how often its fault really struck, whatever the process died of
 *
 * msync() counts with MS_SYNC alone: that is the call which promises something. A sync fails with EIO, a reservation
 * of disk with ENOSPC, and nothing is done then.
 *
 * Thread: any.
 * Memory: none.
 * Errors: a report that cannot be written ends the process with 97: a fault that nobody counts proves nothing.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define CANNOT_REPORT 97

struct fault {
    const char           *call;
    const char           *setting;
    atomic_ulong          calls;
    _Atomic(const char *) plan; /* Of the environment, when it was first looked at. */
};

static struct fault msync_fault = { .call = "msync\n", .setting = "FAULT_MSYNC" };
static struct fault fsync_fault = { .call = "fsync\n", .setting = "FAULT_FSYNC" };
static struct fault fdatasync_fault = { .call = "fdatasync\n", .setting = "FAULT_FDATASYNC" };
static struct fault fallocate_fault = { .call = "fallocate\n", .setting = "FAULT_FALLOCATE" };

static void report(const struct fault *fault)
{
    const char *path = getenv("FAULT_REPORT");
    int         fd = path != NULL ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    size_t      size = strlen(fault->call);
    if (fd < 0 || write(fd, fault->call, size) != (ssize_t)size)
        _exit(CANNOT_REPORT);
    close(fd);
}

/* Count one call; true when it is one that is to fail. */
static int strikes(struct fault *fault)
{
    const char *plan = atomic_load(&fault->plan);
    if (plan == NULL) {
        plan = getenv(fault->setting);
        plan = plan != NULL ? plan : "";
        atomic_store(&fault->plan, plan);
    }
    char         *end;
    unsigned long first = strtoul(plan, &end, 10);
    unsigned long call = atomic_fetch_add(&fault->calls, 1) + 1;
    if (first == 0 || (*end == '+' ? call < first : call != first))
        return 0;
    report(fault);
    return 1;
}

/* A function pointer from a void pointer, in the way POSIX allows. */
static void resolve(void *ret_function, const char *name)
{
    *(void **)ret_function = dlsym(RTLD_NEXT, name);
}

EXPORT int msync(void *address, size_t size, int flags)
{
    int (*real)(void *, size_t, int);
    resolve(&real, "msync");
    if ((flags & MS_SYNC) != 0 && strikes(&msync_fault)) {
        errno = EIO;
        return -1;
    }
    return real(address, size, flags);
}

static int sync_file(struct fault *fault, const char *name, int fd)
{
    int (*real)(int);
    resolve(&real, name);
    if (strikes(fault)) {
        errno = EIO;
        return -1;
    }
    return real(fd);
}

EXPORT int fsync(int fd)
{
    return sync_file(&fsync_fault, "fsync", fd);
}

EXPORT int fdatasync(int fd)
{
    return sync_file(&fdatasync_fault, "fdatasync", fd);
}

EXPORT int posix_fallocate(int fd, off_t offset, off_t size)
{
    int (*real)(int, off_t, off_t);
    resolve(&real, "posix_fallocate");
    return strikes(&fallocate_fault) ? ENOSPC : real(fd, offset, size);
}
