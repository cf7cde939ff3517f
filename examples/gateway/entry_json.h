/* entry_json.h -- entries as JSON, and what a client may send for one.
 *
 * Thread: any.
 * Memory: json_t and char * results are the caller's; NULL means out of memory. struct entry_values borrows from
 *         the body it was read from: keep the body until entry_values_done().
 * Errors: reading fills in the reply (400 not JSON, 422 JSON that does not fit) and returns false.
 */
#ifndef GATEWAY_ENTRY_JSON_H
#define GATEWAY_ENTRY_JSON_H

#include "registry.h"
#include "reply.h"

#define ENTRY_NAME_CHARACTERS_MAX 200
#define ENTRY_DESCRIPTION_CHARACTERS_MAX 2000

/* An entry in full, and as it stands in a list. */
json_t *entry_json(const struct registry_entry *entry);
json_t *entry_json_summary(const struct registry_entry *entry);

/* For audit records: what a client can set, and the state alone. */
char *entry_json_values(const struct registry_entry *entry);
char *entry_json_state(const struct registry_entry *entry);

/* A body that is one JSON object. Duplicate keys are refused: two readers would see two different things. */
bool entry_body_parse(const char *text, size_t size, json_t **ret_body, struct reply *reply);

/* name, description, enabled and config of a body. */
struct entry_values {
    struct registry_change change;
    bool                   enabled; /* What change.enabled points to. */
    char                  *config;  /* What change.config points to, owned. */
};

/* name is required; what is left out stays NULL in `change`; other keys are refused. */
bool entry_values_read(const json_t *body, struct entry_values *ret_values, struct reply *reply);

/* For a new entry: set what was left out. */
void entry_values_default(struct entry_values *values);
void entry_values_done(struct entry_values *values);

#endif
