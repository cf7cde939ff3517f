/* buf.c -- bytes that grow: first in storage that the caller lends, then on the heap. */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *buf, void *storage, size_t capacity)
{
    *buf = (struct buf){ .data = storage, .capacity = storage != NULL ? capacity : 0 };
}

void buf_done(struct buf *buf)
{
    if (buf == NULL)
        return;
    if (buf->on_heap)
        free(buf->data);
    *buf = (struct buf){ 0 };
}

void buf_clear(struct buf *buf)
{
    buf->size = 0;
    buf->failed = false;
}

char *buf_reserve(struct buf *buf, size_t size)
{
    if (buf->failed)
        return NULL;
    if (buf->capacity - buf->size >= size && buf->data != NULL)
        return buf->data + buf->size;

    size_t capacity = buf->capacity < 64 ? 64 : buf->capacity;
    while (capacity - buf->size < size && capacity <= BUF_BYTES_MAX)
        capacity *= 2;
    char *data = capacity <= BUF_BYTES_MAX ? realloc(buf->on_heap ? buf->data : NULL, capacity) : NULL;
    if (data == NULL) {
        buf->failed = true;
        buf->size = 0;
        return NULL;
    }
    if (!buf->on_heap && buf->data != NULL)
        memcpy(data, buf->data, buf->size);
    buf->data = data;
    buf->capacity = capacity;
    buf->on_heap = true;
    return buf->data + buf->size;
}

void buf_append(struct buf *buf, const void *data, size_t size)
{
    char *to = buf_reserve(buf, size);
    if (to == NULL || size == 0)
        return;
    memcpy(to, data, size);
    buf->size += size;
}

void buf_append_text(struct buf *buf, struct trail_text text)
{
    buf_append(buf, text.data, text.size);
}

void buf_append_string(struct buf *buf, const char *string)
{
    buf_append(buf, string, strlen(string));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    assert(size >= 0);

    char *to = buf_reserve(buf, (size_t)size + 1);
    if (to == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(to, (size_t)size + 1, format, arguments);
    va_end(arguments);
    buf->size += (size_t)size;
}
