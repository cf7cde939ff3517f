/* os_process.c -- which process, boot and host this is. */
#include "base/os_process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

/* Read a small file of /proc, NUL-terminated. Returns its size, 0 on any failure. */
static size_t read_small_file(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t got = read(fd, out, size - 1);
    close(fd);
    if (got <= 0)
        return 0;
    out[got] = '\0';
    return (size_t)got;
}

struct uuid os_boot_id(void)
{
    struct uuid boot = { { 0 } };
    char        text[64];
    size_t      size = read_small_file("/proc/sys/kernel/random/boot_id", text, sizeof text);
    (void)uuid_parse(text_trim(text_of(text, size)), &boot);
    return boot;
}

uint64_t os_process_start_ticks(void)
{
    char text[1024];
    if (read_small_file("/proc/self/stat", text, sizeof text) == 0)
        return 0;
    /* Field 22, counted behind the program's name, which may hold spaces and parentheses itself. */
    char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at != NULL ? strtoull(at + 1, NULL, 10) : 0;
}

void os_host_name(char out[OS_HOST_SIZE])
{
    if (gethostname(out, OS_HOST_SIZE) != 0)
        out[0] = '\0';
    out[OS_HOST_SIZE - 1] = '\0';
}
