/* crc32c.h -- the Castagnoli checksum that guards spool frames against accidents (not against people).
 *
 * Thread: any.
 * Memory: allocates nothing.
 * Errors: none.
 */
#ifndef TRAIL_BASE_CRC32C_H
#define TRAIL_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Extend `crc` (0 to start) over `size` bytes: crc32c(crc32c(0, a), b) is the checksum of a then b. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);

#endif
