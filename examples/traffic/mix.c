/* mix.c -- picks the kind of the next request. */
#include "mix.h"

#include <assert.h>
#include <string.h>

const struct kind_info KINDS[KIND_COUNT] = {
#define KIND_ROW(symbol, action, method, path, id, tail, crud, full) \
    [KIND_##symbol] = { action, method, path, id, tail, { crud, full } },
    KIND_MAP(KIND_ROW)
#undef KIND_ROW
};

static const char *const MIX_NAMES[MIX_COUNT] = { [MIX_CRUD] = "crud", [MIX_FULL] = "full" };

bool mix_parse(const char *name, enum mix *ret_mix)
{
    for (int i = 0; i < MIX_COUNT; i++) {
        if (strcmp(MIX_NAMES[i], name) == 0) {
            *ret_mix = (enum mix)i;
            return true;
        }
    }
    return false;
}

const char *mix_name(enum mix mix)
{
    return MIX_NAMES[mix];
}

/* splitmix64: any seed is good. */
uint64_t mix_random_next(struct mix_random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

enum kind mix_pick(enum mix mix, struct mix_random *random)
{
    unsigned total = 0;
    for (int i = 0; i < KIND_COUNT; i++)
        total += KINDS[i].shares[mix];

    unsigned point = (unsigned)(mix_random_next(random) % total);
    for (int i = 0; i < KIND_COUNT; i++) {
        if (point < KINDS[i].shares[mix])
            return (enum kind)i;
        point -= KINDS[i].shares[mix];
    }
    assert(false && "the point lies within the total");
    return KIND_LIST_TOOLS;
}

bool mix_is_tool(enum kind kind)
{
    return strncmp(KINDS[kind].path, "/tools", 6) == 0;
}
