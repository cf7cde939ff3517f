/* env_file.h -- a file of KEY=VALUE lines, as shells, Docker and systemd share them.
 *
 *     # a comment, and blank lines                 KEY=value # a comment behind white space
 *     export KEY=value                             KEY='as it stands, $ and \ too'
 *     KEY=                                         KEY="with \" \\ \$ \n \t"
 *
 * A value is one line and is never expanded: `$X` is a dollar and an X. Lines may end in CR LF. Whoever is
 * not sure what a line means says so: a line that is none of the above is an error with its number, never
 * half a setting.
 *
 * Thread: one owner.
 * Memory: the file is read whole; names and values are views into it and live until env_file_done().
 * Errors: reading can fail; a bad line is reported by env_file_next(), which can then go on.
 */
#ifndef TRAIL_BASE_ENV_FILE_H
#define TRAIL_BASE_ENV_FILE_H

#include "base/buf.h"

/* A larger one is no file of settings. */
#define ENV_FILE_BYTES_MAX ((size_t)64 * 1024)

struct env_file {
    char  *data; /* The content; quoted values are unescaped in place. */
    size_t size;
    size_t position;    /* The next byte to look at. */
    size_t line_number; /* Of the line that was returned last, from 1. */
};

struct env_line {
    struct trail_text name;
    struct trail_text value;
    const char       *problem; /* Not NULL: the line is not valid, and this static text says why. */
};

/* Read `path` whole. TRAIL_ENOTFOUND: there is no such file. TRAIL_EIO: it cannot be read.
 * TRAIL_EINVAL: larger than the limit, or not text. *ret_file is to be given to env_file_done() in any case. */
TRAIL_MUST_CHECK enum trail_err env_file_read(struct env_file *ret_file, const char *path,
                                              struct trail_error *ret_error);

/* The next line that says something. False: the end. */
bool env_file_next(struct env_file *file, struct env_line *ret_line);

void env_file_done(struct env_file *file);

#endif
