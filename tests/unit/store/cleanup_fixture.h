/* cleanup_fixture.h -- clean-ups of a fixture's store: a request that would be granted, a run to its end.
 *
 * Thread: one owner.
 * Memory: nothing is kept.
 * Errors: everything that fails here fails the test.
 */
#ifndef TRAIL_TESTS_CLEANUP_FIXTURE_H
#define TRAIL_TESTS_CLEANUP_FIXTURE_H

#include "store/cleanup.h"
#include "store/fixture.h"

/* The fixture's events are of 2026-01-01; so many seconds after its midnight. */
#define CUT_OFF(seconds) (FIXTURE_TIME_US + INT64_C(1000000) * (seconds))

/* Ninety-one days later; events before second `cut_off_s` go. Nobody lives. */
struct store_cleanup_request cleanup_request(int64_t cut_off_s);

/* Begin it; it must be claimed. */
struct store_cleanup *cleanup_claim(const struct fixture *fixture, const struct store_cleanup_request *request);

/* Step until it is finished, end it and free it. *ret_steps may be NULL. */
struct cleanup_work cleanup_run_out(const struct fixture *fixture, struct store_cleanup *cleanup, unsigned *ret_steps);

/* All of it. */
struct cleanup_work cleanup_all(const struct fixture *fixture, const struct store_cleanup_request *request);

/* Step until the phase with this name has been stepped `times` times. */
void cleanup_step_into(const struct fixture *fixture, struct store_cleanup *cleanup, const char *phase, unsigned times);

#endif
