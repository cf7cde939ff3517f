/* histogram.h -- counts durations in log-linear buckets, so that a percentile costs no list of samples.
 *
 * 64 buckets for each power of two: a value that is read back is at most 1/64 (1.6 %) below what was added.
 *
 * Thread: one owner; merge afterwards.
 * Memory: a plain value of 30 KiB. All zeros is an empty histogram.
 * Errors: none.
 */
#ifndef TRAIL_TESTS_HISTOGRAM_H
#define TRAIL_TESTS_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_STEP_BITS 6
#define HISTOGRAM_STEPS (1u << HISTOGRAM_STEP_BITS)
#define HISTOGRAM_BUCKET_COUNT ((64 - HISTOGRAM_STEP_BITS + 1) * HISTOGRAM_STEPS)

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKET_COUNT];
    uint64_t count;
    uint64_t largest;
};

static inline size_t histogram_bucket(uint64_t value)
{
    if (value < HISTOGRAM_STEPS)
        return (size_t)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_STEP_BITS;
    return (size_t)((shift + 1) * HISTOGRAM_STEPS + ((value >> shift) - HISTOGRAM_STEPS));
}

static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->counts[histogram_bucket(value)]++;
    histogram->count++;
    if (value > histogram->largest)
        histogram->largest = value;
}

void histogram_merge(struct histogram *into, const struct histogram *from);

/* The value that `fraction` of all values do not pass: histogram_at(h, 0.99). 0 when there is none. */
uint64_t histogram_at(const struct histogram *histogram, double fraction);

#endif
