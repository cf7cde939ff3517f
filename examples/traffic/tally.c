/* tally.c -- counts answers. */
#include "tally.h"

#include <stdio.h>

#define BUCKETS_PER_DOUBLING 16

static unsigned bucket_of(uint64_t latency_us)
{
    if (latency_us < BUCKETS_PER_DOUBLING)
        return (unsigned)latency_us;
    unsigned doubling = 63 - (unsigned)__builtin_clzll(latency_us); /* >= 4 */
    unsigned part = (unsigned)(latency_us >> (doubling - 4)) - BUCKETS_PER_DOUBLING;
    unsigned bucket = (doubling - 3) * BUCKETS_PER_DOUBLING + part;
    return bucket < TALLY_BUCKET_COUNT ? bucket : TALLY_BUCKET_COUNT - 1;
}

/* The largest latency that falls into the bucket. */
static uint64_t bucket_end_us(unsigned bucket)
{
    if (bucket < BUCKETS_PER_DOUBLING)
        return bucket;
    unsigned doubling = bucket / BUCKETS_PER_DOUBLING + 3;
    unsigned part = bucket % BUCKETS_PER_DOUBLING;
    return ((uint64_t)(BUCKETS_PER_DOUBLING + part + 1) << (doubling - 4)) - 1;
}

void tally_add(struct tally *tally, enum kind kind, unsigned status, uint64_t latency_us)
{
    tally->answers[kind][status <= TALLY_STATUS_MAX ? status : 0]++;
    tally->answered++;
    tally->latency_buckets[bucket_of(latency_us)]++;
    if (latency_us > tally->latency_max_us)
        tally->latency_max_us = latency_us;
}

uint64_t tally_latency_us(const struct tally *tally, double share)
{
    uint64_t wanted = (uint64_t)((double)tally->answered * share);
    uint64_t seen = 0;
    for (unsigned i = 0; i < TALLY_BUCKET_COUNT; i++) {
        seen += tally->latency_buckets[i];
        if (seen > wanted || (seen == tally->answered && seen > 0))
            return bucket_end_us(i) < tally->latency_max_us ? bucket_end_us(i) : tally->latency_max_us;
    }
    return 0;
}

/* Kinds with the same action are one line. */
json_t *tally_actions_json(const struct tally *tally)
{
    json_t *actions = json_object();
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        for (unsigned status = 0; status <= TALLY_STATUS_MAX; status++) {
            uint64_t count = tally->answers[kind][status];
            if (count == 0)
                continue;
            json_t *by_status = json_object_get(actions, KINDS[kind].action);
            if (by_status == NULL) {
                json_object_set_new(actions, KINDS[kind].action, json_object());
                by_status = json_object_get(actions, KINDS[kind].action);
            }
            char key[12];
            snprintf(key, sizeof key, "%u", status);
            json_int_t before = json_integer_value(json_object_get(by_status, key));
            json_object_set_new(by_status, key, json_integer(before + (json_int_t)count));
        }
    }
    return actions;
}
