/* registry.h -- the gateway's own data: the tools and servers that are registered.
 *
 *     http  ->  routes  ->  entries  ->  [registry]
 *
 * It knows nothing of HTTP, JSON or audit. Everything about the database is in registry_sqlite.c, so another
 * store is another file with these functions. Every change returns the entry as it was before, read in the
 * same transaction: what an audit record calls the old values is what this change really replaced.
 *
 * Thread: any; one connection behind one lock.
 * Memory: a struct registry_entry that is handed out is owned by the caller: registry_entry_done(). What is
 *         passed in is borrowed for the call.
 * Errors: REGISTRY_FAILED when the database did not do it (the reason goes to stderr); nothing has changed then.
 */
#ifndef GATEWAY_REGISTRY_H
#define GATEWAY_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGISTRY_ID_SIZE 37 /* A random uuid as text and a NUL. */

/* Stored as these numbers. */
enum registry_kind { REGISTRY_TOOL = 1, REGISTRY_SERVER = 2 };

enum registry_result { REGISTRY_OK, REGISTRY_UNKNOWN_ID, REGISTRY_FAILED };

struct registry_entry {
    char               id[REGISTRY_ID_SIZE];
    enum registry_kind kind;
    bool               enabled;
    char              *name;        /* Owned, never NULL once filled in. */
    char              *description; /* Likewise. */
    char              *config;      /* Likewise: the text of a JSON object. */
    int64_t            created_us;  /* Microseconds since 1970 UTC. */
    int64_t            updated_us;
};

/* What to set; NULL leaves a field as it is. */
struct registry_change {
    const char *name;
    const char *description;
    const char *config;
    const bool *enabled;
};

/* Which entry. */
struct registry_key {
    enum registry_kind kind;
    const char        *id;
};

struct registry_page {
    const char *after; /* Only ids behind this one; "" = from the start. */
    int         limit;
};

struct registry;

/* Called for each entry of a list with the registry locked: it must not call the registry. */
typedef void (*registry_entry_fn)(void *context, const struct registry_entry *entry);

enum registry_result registry_open(struct registry **ret_registry, const char *path);
void                 registry_close(struct registry *registry);

/* Is the database answering? */
enum registry_result registry_check(struct registry *registry);

/* Add `values` (name, description and config set) as a new entry; *ret_entry has its id and times. */
enum registry_result registry_add(struct registry *registry, enum registry_kind kind,
                                  const struct registry_change *values, struct registry_entry *ret_entry);

enum registry_result registry_find(struct registry *registry, struct registry_key key,
                                   struct registry_entry *ret_entry);

/* A page of entries in the order of their ids, without their config. */
enum registry_result registry_list(struct registry *registry, enum registry_kind kind, struct registry_page page,
                                   registry_entry_fn on_entry, void *context);

/* Both *ret_old and *ret_new are the caller's. */
enum registry_result registry_update(struct registry *registry, struct registry_key key,
                                     const struct registry_change *change, struct registry_entry *ret_old,
                                     struct registry_entry *ret_new);

enum registry_result registry_remove(struct registry *registry, struct registry_key key,
                                     struct registry_entry *ret_old);

/* Free what an entry owns. An entry of zeros is fine. */
void registry_entry_done(struct registry_entry *entry);

#endif
