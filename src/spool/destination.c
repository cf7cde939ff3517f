/* destination.c -- names the store that a spool is meant for. */
#include "spool/destination.h"

#include <string.h>

#include "base/sha256.h"

enum trail_err destination_of_url(const char *url, struct uuid *ret_destination)
{
    struct sha256 sha256;
    uint8_t       digest[SHA256_BYTES];

    enum trail_err err = sha256_init(&sha256);
    if (err != TRAIL_OK)
        return err;
    err = sha256_digest(&sha256, trail_str(url), digest);
    sha256_done(&sha256);
    if (err == TRAIL_OK)
        memcpy(ret_destination->bytes, digest, sizeof ret_destination->bytes);
    return err;
}
