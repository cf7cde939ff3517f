/* lines.h -- reads lines from a file descriptor in large pieces.
 *
 * Lines end with LF or CR LF; the last one may have no end. One that is longer than LINES_LIMIT_BYTES is
 * reported and skipped, and reading goes on behind it: memory is bounded whatever comes in. A byte order mark at
 * the very beginning is left out.
 *
 * Thread: one owner.
 * Memory: one buffer, owned; a line is a view into it until the next call.
 * Errors: LINES_FAILED with errno set.
 */
#ifndef AUDITTRAIL_CLI_LINES_H
#define AUDITTRAIL_CLI_LINES_H

#include "audittrail.h"

/* An event of the largest size, and some white space around it. */
#define LINES_LIMIT_BYTES (TRAIL_EVENT_BYTES_MAX + 64 * 1024)

enum lines_result { LINES_LINE, LINES_TOO_LONG, LINES_END, LINES_STOPPED, LINES_FAILED };

struct lines {
    int      fd;
    int      stop_fd;  /* Readable when reading must stop; -1: none. */
    char    *buffer;   /* LINES_LIMIT_BYTES and a piece more. */
    size_t   begin;    /* The first byte not yet handed out. */
    size_t   scanned;  /* Where to look for the next LF. */
    size_t   end;      /* Behind the last byte that was read. */
    uint64_t bytes;    /* Handed out so far. */
    uint64_t number;   /* Of the line last returned, from 1. */
    bool     skipping; /* Inside a line that is too long. */
    bool     at_end;   /* read() said so. */
};

/* False: no memory. */
bool lines_open(struct lines *lines, int fd, int stop_fd);
void lines_close(struct lines *lines);

/* The next line, without its end. */
enum lines_result lines_next(struct lines *lines, struct trail_text *ret_line);

#endif
