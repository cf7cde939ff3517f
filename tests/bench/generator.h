/* generator.h -- the events of every benchmark: event i is a pure function of i.
 *
 * What a busy gateway records: 140 actions (7 verbs on 20 types), 5,000 resources, 2,000 users of whom a few do most
 * (quadratic skew), 50 teams, 30 user agents of about 120 bytes, a correlation id of its own per event; one event in
 * ten is a write with old and new values (about 780 bytes together), one in fifty failed and says why.
 * 39.5 events per second of event time, so that a million are seven hours. About 450 bytes of text per event.
 *
 * Thread: any.
 * Memory: the texts of an event point into its own storage, which therefore must not be moved.
 * Errors: none.
 */
#ifndef TRAIL_TESTS_GENERATOR_H
#define TRAIL_TESTS_GENERATOR_H

#include "event/event.h"

#define GENERATOR_ACTION_COUNT 140
#define GENERATOR_RESOURCE_COUNT 5000
#define GENERATOR_USER_COUNT 2000
#define GENERATOR_TEAM_COUNT 50
#define GENERATOR_AGENT_COUNT 30

/* Event 0 happened here: 2026-03-02 20:00 UTC, so that a million events lie in two days. */
#define GENERATOR_START_US INT64_C(1772481600000000)

struct generated_event {
    struct event_record record; /* seq = i + 1, weight 1, no flags. */
    size_t              storage_size;
    char                storage[3072];
};

void generator_event(uint64_t i, struct generated_event *out);

/* The names that queries look for. */
void generator_user_id(uint64_t user, char out[32]);
void generator_resource(uint64_t resource, char ret_type[16], char ret_id[40]);

#endif
