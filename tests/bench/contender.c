/* contender.c -- finds a contender by its name. */
#include "bench/contender.h"

#include <string.h>

#include "bench/bench.h"

static const struct contender *const contenders[] = {
    &contender_trail,
    &contender_queue,
#ifdef BENCH_HAS_SPDLOG
    &contender_spdlog,
#endif
};

const struct contender *contender_find(const char *name)
{
    for (size_t i = 0; i < sizeof contenders / sizeof contenders[0]; i++) {
        if (strcmp(contenders[i]->name, name) == 0)
            return contenders[i];
    }
    bench_fail("there is no contender called %s (or it was not built)", name);
}
