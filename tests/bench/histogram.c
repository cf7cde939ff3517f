/* histogram.c -- counts durations in log-linear buckets. */
#include "bench/histogram.h"

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKET_COUNT; i++)
        into->counts[i] += from->counts[i];
    into->count += from->count;
    if (from->largest > into->largest)
        into->largest = from->largest;
}

/* The smallest value that falls into a bucket. */
static uint64_t bucket_value(size_t bucket)
{
    if (bucket < HISTOGRAM_STEPS)
        return bucket;
    size_t shift = bucket / HISTOGRAM_STEPS - 1;
    return (uint64_t)(bucket % HISTOGRAM_STEPS + HISTOGRAM_STEPS) << shift;
}

uint64_t histogram_at(const struct histogram *histogram, double fraction)
{
    uint64_t wanted = (uint64_t)((double)histogram->count * fraction);
    uint64_t passed = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKET_COUNT; i++) {
        passed += histogram->counts[i];
        if (passed > wanted)
            return bucket_value(i);
    }
    return histogram->largest;
}
