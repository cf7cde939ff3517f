/* fuzz_spool.c -- whatever bytes stand in a segment, recovery reads it to its end and accounts for each number once.
 *
 * Goal:   no crash, no endless loop, no number twice, gaps and events strictly upwards.
 * Method: a valid segment with events, a pad and a second segment; the input is a list of edits {u16 offset in units
 *         of 4 bytes, u16 size, bytes} written over it, then a new length for the file. Where an edit begins with
 *         0xFFFF the frame or header there gets its checksum again, so that the fuzzer reaches what lies behind it.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "spool/reader.h"

#define IMAGE_SIZE (5u * SPOOL_PAGE_SIZE)
#define EVENTS 40

static char     path[64];
static uint8_t  image[IMAGE_SIZE];
static uint64_t next_seq_of_second;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_header(uint8_t *map, uint32_t number, uint64_t base_seq)
{
    struct segment_header header = {
        .version = SPOOL_VERSION, .number = number, .size = IMAGE_SIZE, .base_seq = base_seq, .nonce = 0x1234567890
    };
    memcpy(header.magic, SPOOL_MAGIC, sizeof header.magic);
    header.crc = crc32c(0, &header, offsetof(struct segment_header, crc));
    memcpy(map, &header, sizeof header);
}

static void make_image(void)
{
    struct frame_area area = { image, IMAGE_SIZE, 0x1234567890 };
    size_t            tail = SPOOL_PAGE_SIZE;
    make_header(image, 1, 1);
    for (uint64_t seq = 1; seq <= EVENTS; seq++) {
        char         payload[100] = "payload";
        struct frame frame = { .seq = seq, .type = FRAME_EVENT, .payload = { payload, 20 + seq } };
        frame_write(&area, tail, &frame, crc32c(0, payload, frame.payload.size));
        tail += frame_size(frame.payload.size);
        if (seq == EVENTS / 2) {
            frame_write_pad(&area, tail, 3 * SPOOL_PAGE_SIZE, 0);
            tail = 3 * SPOOL_PAGE_SIZE;
        }
    }
    next_seq_of_second = EVENTS + 1;
    snprintf(path, sizeof path, "/dev/shm/fuzz_spool.%d", (int)getpid());
}

/* Give the header at 0, or the frame elsewhere, the checksum (and the position) that belong to it. */
static void repair(uint8_t *bytes, size_t offset)
{
    if (offset == 0) {
        uint32_t crc = crc32c(0, bytes, offsetof(struct segment_header, crc));
        memcpy(bytes + offsetof(struct segment_header, crc), &crc, sizeof crc);
        return;
    }
    struct segment_header segment;
    struct frame_header   frame;
    memcpy(&segment, bytes, sizeof segment);
    if (offset % FRAME_ALIGNMENT != 0 || offset + FRAME_HEADER_SIZE > IMAGE_SIZE)
        return;
    memcpy(&frame, bytes + offset, FRAME_HEADER_SIZE);
    if (frame.length < FRAME_HEADER_SIZE || frame.length > IMAGE_SIZE - offset)
        return;
    frame.position = segment.nonce ^ offset;
    memcpy(bytes + offset + 8, &frame.position, sizeof frame.position);
    size_t   payload_size = frame.type == FRAME_EVENT ? frame.length - FRAME_HEADER_SIZE : 0;
    uint32_t crc = crc32c(0, bytes + offset + FRAME_HEADER_SIZE, payload_size);
    crc = crc32c(crc, bytes + offset, 4);
    crc = crc32c(crc, bytes + offset + 8, FRAME_HEADER_SIZE - 8);
    memcpy(bytes + offset + 4, &crc, sizeof crc);
}

static size_t take_u16(const uint8_t **data, size_t *size)
{
    uint16_t number = 0;
    if (*size < 2) {
        *size = 0;
        return 0;
    }
    memcpy(&number, *data, 2);
    *data += 2;
    *size -= 2;
    return number;
}

/* Write the edits over the image; the rest of the input says how long the file is. */
static size_t edit(uint8_t *bytes, const uint8_t *data, size_t size)
{
    size_t length = take_u16(&data, &size) % (IMAGE_SIZE + 1);
    while (size >= 4) {
        bool   with_checksum = data[0] == 0xFF && data[1] == 0xFF;
        size_t offset = take_u16(&data, &size);
        if (with_checksum)
            offset = take_u16(&data, &size);
        offset = offset * 4 % IMAGE_SIZE;
        size_t count = take_u16(&data, &size) % 256;
        if (count > size)
            count = size;
        if (count > IMAGE_SIZE - offset)
            count = IMAGE_SIZE - offset;
        memcpy(bytes + offset, data, count);
        data += count;
        size -= count;
        if (with_checksum)
            repair(bytes, offset);
    }
    return length % 4 == 3 ? length : IMAGE_SIZE; /* One file in four is cut. */
}

static struct segment *open_image(const uint8_t *bytes, size_t size)
{
    struct segment       *segment = NULL;
    struct segment_header header;
    struct trail_error    error;
    int                   fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
    close(fd);
    if (segment_open(&segment, path, &header, &error) != TRAIL_OK)
        segment = NULL;
    unlink(path);
    return segment;
}

/* Each number once, upwards; the end is reached and stays. */
static void read_all(const struct segment *first, uint64_t next_seq, bool tail_lost)
{
    struct reader      reader;
    struct frame       frame;
    struct reader_gap  gap;
    enum reader_result result;
    unsigned           items = 0;

    reader_init(&reader, first, next_seq);
    reader.tail_lost = tail_lost;
    while ((result = reader_next(&reader, &frame, &gap)) != READER_END) {
        if (result == READER_EVENT) {
            assert(frame.seq == next_seq && frame.type == FRAME_EVENT);
            next_seq = frame.seq + 1;
        } else {
            assert(gap.first == next_seq && gap.last >= gap.first && gap.last <= FRAME_SEQ_MAX + 1);
            assert(!gap.open_end || gap.last == gap.first);
            next_seq = gap.last + 1;
        }
        assert(reader.next_seq == next_seq);
        assert(++items < 10000);
    }
    assert(reader_next(&reader, &frame, &gap) == READER_END);

    /* What was told is not told again. */
    reader_init(&reader, first, next_seq);
    reader.tail_lost = tail_lost;
    assert(first == NULL || reader_next(&reader, &frame, &gap) == READER_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[IMAGE_SIZE];
    static uint8_t second_bytes[IMAGE_SIZE];
    if (path[0] == '\0')
        make_image();

    memcpy(bytes, image, sizeof bytes);
    size_t          length = edit(bytes, data, size);
    struct segment *first = open_image(bytes, length);

    memset(second_bytes, 0, sizeof second_bytes);
    make_header(second_bytes, 2, next_seq_of_second);
    struct segment *second = size % 2 != 0 ? open_image(second_bytes, IMAGE_SIZE) : NULL;
    if (first != NULL)
        first->next = second;
    read_all(first != NULL ? first : second, 1, size % 3 == 0);
    read_all(first, 17, false);
    segment_free(first);
    segment_free(second);
    return 0;
}
