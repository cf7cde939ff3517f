/* path.c -- makes a file's path absolute, so that a later chdir() of the host does not move it. */
#include "base/path.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

enum trail_err path_absolute(struct trail_text path, struct buf *out)
{
    if (path.size == 0 || path.data[0] != '/') {
        char directory[PATH_MAX];
        if (getcwd(directory, sizeof directory) == NULL)
            return TRAIL_EIO;
        buf_append_string(out, directory);
        if (directory[strlen(directory) - 1] != '/')
            buf_append_string(out, "/");
        while (path.size >= 2 && path.data[0] == '.' && path.data[1] == '/')
            path = text_of(path.data + 2, path.size - 2);
    }
    /* Two slashes at the beginning may mean anything, and in a URL mean a host. */
    while (path.size >= 2 && path.data[0] == '/' && path.data[1] == '/')
        path = text_of(path.data + 1, path.size - 1);
    buf_append_text(out, path);
    return TRAIL_OK;
}
