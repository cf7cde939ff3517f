/* ids.c -- a bag of ids. */
#include "ids.h"

#include <stdio.h>
#include <string.h>

void ids_add(struct ids *ids, const char *id)
{
    if (ids->count < IDS_MAX && strlen(id) < ID_SIZE)
        snprintf(ids->texts[ids->count++], ID_SIZE, "%s", id);
}

bool ids_pick(struct ids *ids, uint64_t random, bool take, char ret_id[ID_SIZE])
{
    if (ids->count == 0)
        return false;
    size_t index = (size_t)(random % ids->count);
    memcpy(ret_id, ids->texts[index], ID_SIZE);
    if (take) {
        ids->count--;
        memmove(ids->texts[index], ids->texts[ids->count], ID_SIZE);
    }
    return true;
}
