/* tail_writers.c -- the writers that a tail knows, and where each of them stands. */
#include <stdlib.h>
#include <string.h>

#include "query/tail_state.h"

/* The index of the writer, or of where it belongs. */
static size_t place_of(const struct tail *tail, const struct uuid *uuid)
{
    size_t low = 0;
    size_t high = tail->writer_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(tail->writers[middle]->uuid.bytes, uuid->bytes, sizeof uuid->bytes) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct tail_writer *tail_writer_find(const struct tail *tail, const struct uuid *uuid)
{
    size_t at = place_of(tail, uuid);
    return at < tail->writer_count && uuid_equal(&tail->writers[at]->uuid, uuid) ? tail->writers[at] : NULL;
}

struct tail_writer *tail_writer_add(struct tail *tail, const struct uuid *uuid, uint64_t next_seq)
{
    if (tail->writer_count == tail->writer_capacity) {
        size_t               capacity = tail->writer_capacity == 0 ? 16 : tail->writer_capacity * 2;
        struct tail_writer **writers = realloc(tail->writers, capacity * sizeof(struct tail_writer *));
        if (writers == NULL)
            return NULL;
        tail->writers = writers;
        tail->writer_capacity = capacity;
    }
    struct tail_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return NULL;
    writer->uuid = *uuid;
    writer->id_hash = uuid_hash32(uuid);
    writer->next = next_seq;

    size_t at = place_of(tail, uuid);
    memmove(tail->writers + at + 1, tail->writers + at, (tail->writer_count - at) * sizeof(struct tail_writer *));
    tail->writers[at] = writer;
    tail->writer_count++;
    return writer;
}

void tail_writers_done(struct tail *tail)
{
    for (size_t i = 0; i < tail->writer_count; i++) {
        if (tail->writers[i]->follow != NULL)
            follow_done(tail->writers[i]->follow);
        free(tail->writers[i]->follow);
        free(tail->writers[i]);
    }
    free(tail->writers);
    tail->writers = NULL;
    tail->writer_count = tail->writer_capacity = 0;
}
