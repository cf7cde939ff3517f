/* reference.c -- which parts of an event are stored once and referred to, and what makes such a tuple unique. */
#include "store/reference.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "lengths in keys are little-endian");

const struct reference_info reference_infos[REFERENCE_KIND_COUNT] = {
    [REFERENCE_ACTOR] = { .table = "audit_actors",
                          .field_count = 7,
                          .fields = { EVENT_user_id, EVENT_user_email, EVENT_team_id, EVENT_auth_method,
                                      EVENT_acting_as, EVENT_client_ip, EVENT_user_agent } },
    [REFERENCE_RESOURCE] = { .table = "audit_resources",
                             .field_count = 3,
                             .fields = { EVENT_resource_type, EVENT_resource_id, EVENT_resource_name } },
    [REFERENCE_ACTION] = { .table = "audit_actions",
                           .field_count = 1,
                           .fields = { EVENT_action },
                           .with_operation = true },
    [REFERENCE_ROUTE] = { .table = "audit_routes",
                          .field_count = 2,
                          .fields = { EVENT_request_method, EVENT_request_path },
                          .optional = true },
};

static char *put_part(char *at, const void *data, size_t size)
{
    uint32_t length = (uint32_t)size;
    memcpy(at, &length, sizeof length);
    if (size > 0)
        memcpy(at + sizeof length, data, size);
    return at + sizeof length + size;
}

bool reference_key(enum reference_kind kind, const struct trail_event *event, struct buf *out)
{
    const struct reference_info *info = &reference_infos[kind];
    size_t                       text_bytes = 0;
    for (size_t i = 0; i < info->field_count; i++)
        text_bytes += event_text(event, info->fields[i]).size;
    if (text_bytes == 0 && info->optional)
        return false;

    char *start = buf_reserve(out, text_bytes + (info->field_count + 1) * sizeof(uint32_t) + 1);
    if (start == NULL)
        return false;
    char *at = start;
    for (size_t i = 0; i < info->field_count; i++) {
        struct trail_text text = event_text(event, info->fields[i]);
        at = put_part(at, text.data, text.size);
    }
    if (info->with_operation) {
        uint8_t operation = (uint8_t)event->operation;
        at = put_part(at, &operation, sizeof operation);
    }
    out->size += (size_t)(at - start);
    return true;
}

enum trail_err reference_digest(struct sha256 *sha256, struct trail_text key, struct reference_digest *ret_digest)
{
    uint8_t        digest[SHA256_BYTES];
    enum trail_err err = sha256_digest(sha256, key, digest);
    if (err == TRAIL_OK)
        memcpy(ret_digest->bytes, digest, sizeof ret_digest->bytes);
    return err;
}
