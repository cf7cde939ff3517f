/* uuid.c -- random identities for writers and stores, and the derived identity of an event. */
#include "base/uuid.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/crc32c.h"
#include "base/text.h"

enum trail_err uuid_random(struct uuid *ret_uuid)
{
    struct uuid uuid;
    if (getrandom(uuid.bytes, sizeof uuid.bytes, 0) != (ssize_t)sizeof uuid.bytes)
        return TRAIL_EIO;
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0F) | 0x40);
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3F) | 0x80);
    *ret_uuid = uuid;
    return TRAIL_OK;
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

void uuid_format(const struct uuid *uuid, char out[UUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    size_t            at = 0;
    for (size_t i = 0; i < sizeof uuid->bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        out[at++] = digits[uuid->bytes[i] >> 4];
        out[at++] = digits[uuid->bytes[i] & 0x0F];
    }
    out[at] = '\0';
}

bool uuid_parse(struct trail_text text, struct uuid *ret_uuid)
{
    struct uuid uuid;
    size_t      at = 0;
    if (text.size != UUID_TEXT_SIZE - 1)
        return false;
    for (size_t i = 0; i < sizeof uuid.bytes; i++) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && text.data[at++] != '-')
            return false;
        int high = text_hex_digit(text.data[at]);
        int low = text_hex_digit(text.data[at + 1]);
        if (high < 0 || low < 0)
            return false;
        uuid.bytes[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    *ret_uuid = uuid;
    return true;
}

uint32_t uuid_hash32(const struct uuid *uuid)
{
    return crc32c(0, uuid->bytes, sizeof uuid->bytes);
}

static void put_big_endian(uint8_t *out, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

static uint64_t get_big_endian(const uint8_t *in, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | in[i];
    return value;
}

void event_id_format(int64_t timestamp_us, uint32_t writer_hash, uint64_t seq, struct trail_id *ret_id)
{
    struct uuid uuid;
    uint64_t    tail = (uint64_t)(writer_hash & 0xFFFFFu) << 42 | (seq & EVENT_ID_SEQ_MASK);
    put_big_endian(uuid.bytes, (uint64_t)(timestamp_us / 1000), 6);
    put_big_endian(uuid.bytes + 6, 0x7000u | writer_hash >> 20, 2);
    put_big_endian(uuid.bytes + 8, UINT64_C(0x8000000000000000) | tail, 8);
    uuid_format(&uuid, ret_id->text);
}

bool event_id_parse(struct trail_text text, struct event_id_parts *ret_parts)
{
    struct uuid uuid;
    if (!uuid_parse(text, &uuid) || uuid.bytes[6] >> 4 != 7 || uuid.bytes[8] >> 6 != 2)
        return false;

    uint64_t head = get_big_endian(uuid.bytes + 6, 2) & 0x0FFF;
    uint64_t tail = get_big_endian(uuid.bytes + 8, 8) & UINT64_C(0x3FFFFFFFFFFFFFFF);
    ret_parts->timestamp_ms = (int64_t)get_big_endian(uuid.bytes, 6);
    ret_parts->writer_hash = (uint32_t)(head << 20 | tail >> 42);
    ret_parts->seq = tail & EVENT_ID_SEQ_MASK;
    return true;
}
