/* buf.h -- bytes that grow: first in storage that the caller lends, then on the heap.
 *
 * An append that cannot get memory marks the buffer as failed, drops its bytes and keeps failing, so
 * that a writer checks once, at the end, instead of after every piece.
 *
 * Thread: one owner.
 * Memory: buf_done() frees what grew; the lent storage stays the caller's.
 * Errors: buf_failed() after the last append; growing beyond BUF_BYTES_MAX fails as memory does.
 */
#ifndef TRAIL_BASE_BUF_H
#define TRAIL_BASE_BUF_H

#include "audittrail.h"

/* No buffer grows beyond it: a thousand of the largest events, and far from where doubling would wrap. */
#define BUF_BYTES_MAX ((size_t)1 << 30)

struct buf {
    char  *data;     /* The bytes; borrowed storage or heap. */
    size_t size;     /* Bytes in use. */
    size_t capacity; /* Bytes there is room for. */
    bool   on_heap;  /* data is ours to free. */
    bool   failed;   /* An append ran out of memory. */
};

/* Start empty; `storage` may be NULL with capacity 0. */
void buf_init(struct buf *buf, void *storage, size_t capacity);
void buf_done(struct buf *buf);

/* Forget the bytes and the failure, keep the room. */
void buf_clear(struct buf *buf);

/* Make room for `size` more bytes and return where they go (then add to buf->size), or NULL. */
char *buf_reserve(struct buf *buf, size_t size);

void                                       buf_append(struct buf *buf, const void *data, size_t size);
void                                       buf_append_text(struct buf *buf, struct trail_text text);
void                                       buf_append_string(struct buf *buf, const char *string);
__attribute__((format(printf, 2, 3))) void buf_printf(struct buf *buf, const char *format, ...);

static inline bool buf_failed(const struct buf *buf)
{
    return buf->failed;
}

static inline struct trail_text buf_text(const struct buf *buf)
{
    struct trail_text text = { buf->data, buf->size };
    return text;
}

#endif
