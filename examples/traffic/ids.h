/* ids.h -- the entries that this client has created and not deleted: what its requests can be about.
 *
 * Thread: one owner.
 * Memory: a fixed array; when it is full, further entries are simply not remembered.
 * Errors: none.
 */
#ifndef TRAFFIC_IDS_H
#define TRAFFIC_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDS_MAX 4096
#define ID_SIZE 40

struct ids {
    char   texts[IDS_MAX][ID_SIZE];
    size_t count;
};

void ids_add(struct ids *ids, const char *id);

/* Copy one to ret_id; with `take` it is forgotten, so that nobody else asks for what is being deleted.
 * False: there is none. */
bool ids_pick(struct ids *ids, uint64_t random, bool take, char ret_id[ID_SIZE]);

#endif
