/* sampling.c -- decides which of the ordinary events are left out, and what the others then stand for. */
#include "policy/sampling.h"

#include <assert.h>

/* The limit of correlation_id in fields.def: what is cut off there is not stored, so it does not part a group. */
#define CORRELATION_BYTES_MAX 64

#define BIT(operation) (UINT32_C(1) << TRAIL_OPERATION_##operation)

/* A delete, an audit record, a change of rights, and what nobody could name are each worth their row. */
#define SAMPLED (BIT(CREATE) | BIT(READ) | BIT(UPDATE) | BIT(EXECUTE) | BIT(ACCESS) | BIT(EXPORT) | BIT(IMPORT))

uint32_t sampling_operations(void)
{
    return SAMPLED;
}

/* ---- Building ----------------------------------------------------------------------------------- */

static struct sampling_rate make_rate(double rate)
{
    assert(rate >= 0 && rate <= 1);

    const double two_to_64 = 18446744073709551616.0;
    /* Nothing is kept at rate 0, so nothing has its weight. A rate below 1 fits: the largest gives 2^64 - 2^11. */
    return (struct sampling_rate){ .rate = rate,
                                   .weight = rate > 0 ? 1 / rate : 1,
                                   .below = rate < 1 ? (uint64_t)(rate * two_to_64) : UINT64_MAX };
}

void sampling_init(struct sampling *sampling, double rate, double reads, const struct hash_key *key)
{
    *sampling = (struct sampling){ .ordinary = make_rate(rate), .reads = make_rate(reads), .key = key };
    if (rate < 1)
        sampling->operations |= SAMPLED & ~BIT(READ);
    if (reads < 1)
        sampling->operations |= BIT(READ);
    assert(sampling->operations == 0 || key != NULL);
}

/* ---- Random numbers ----------------------------------------------------------------------------- */

/* SplitMix64: a counter in steps of an odd constant, mixed. Every thread counts from a start of its own. */
struct dice {
    uint64_t state;
    uint64_t seeded_in; /* The generation of its start; 0: it has none. */
};

static __thread struct dice dice __attribute__((tls_model("initial-exec"))); /* mutable: per thread */

static uint64_t generation = 1; /* mutable: atomic, raised in each child so that it does not repeat its parent */

static void seed(uint64_t now)
{
    struct hash_key start;
    if (hash_key_random(&start) != TRAIL_OK) {
        /* Before the kernel has gathered randomness: the addresses that it gave us have some. */
        start = (struct hash_key){ (uint64_t)(uintptr_t)&dice, now };
    }
    dice = (struct dice){ .state = start.k0 ^ hash_bytes(&start, &now, sizeof now), .seeded_in = now };
}

static uint64_t throw_dice(void)
{
    uint64_t now = __atomic_load_n(&generation, __ATOMIC_RELAXED);
    if (__builtin_expect(dice.seeded_in != now, 0))
        seed(now);

    uint64_t mixed = dice.state += UINT64_C(0x9E3779B97F4A7C15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ mixed >> 31;
}

void sampling_after_fork(void)
{
    __atomic_fetch_add(&generation, 1, __ATOMIC_RELAXED);
}

/* ---- Deciding ----------------------------------------------------------------------------------- */

static uint64_t number_of(const struct sampling *sampling, struct trail_text id)
{
    if (id.size == 0)
        return throw_dice();
    return hash_bytes(sampling->key, id.data, id.size < CORRELATION_BYTES_MAX ? id.size : CORRELATION_BYTES_MAX);
}

bool sampling_keeps(const struct sampling *sampling, const struct trail_event *event, enum trail_operation operation,
                    double *ret_weight)
{
    const struct sampling_rate *rate = sampling_rate_of(sampling, operation);
    if (rate->below == 0 || number_of(sampling, event->correlation_id) >= rate->below)
        return false;
    *ret_weight = rate->weight;
    return true;
}
