/* test_sampling.c -- sampling keeps the share it says, whole requests, and nothing that an outsider can choose.
 *
 * Goal:   over a million events: the kept share, the weighted sums and the agreement of two keys are what independent
 *         draws give; requests stay whole; a lower rate keeps a part of what a higher one keeps; what is never to be
 *         sampled out is not; threads and children draw numbers of their own.
 * Method: 200,000 requests of five events, decided by whole policies. Bounds are standard deviations of the binomial
 *         distribution: five with the fixed key, whose figures are the same in every run; six with random keys and
 *         draws, where an honest run fails once in 10 million. Controls: the outsider who knows the key is always
 *         right, and without sampling_after_fork() a child repeats its parent's draws.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "policy/policy.h"
#include "policy/sampling.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define OP(operation) TRAIL_OPERATION_##operation
#define BIT(operation) (UINT32_C(1) << TRAIL_OPERATION_##operation)

#define REQUESTS 200000
#define EVENTS_PER_REQUEST 5

static const struct hash_key fixed_key = { UINT64_C(0x0123456789ABCDEF), UINT64_C(0xFEDCBA9876543210) };
static const struct hash_key zero_key = { 0 };

/* What each request does. */
static const enum trail_operation operations[EVENTS_PER_REQUEST] = { OP(READ), OP(CREATE), OP(READ), OP(UPDATE),
                                                                     OP(EXECUTE) };

static double root(double square)
{
    double x = square > 1 ? square : 1;
    for (int i = 0; i < 60; i++)
        x = (x + square / x) / 2;
    return x;
}

/* In standard deviations: where each run is the same, and where each is another one. */
#define FIXED 5
#define RANDOM 6

/* Fails unless `found` is what `draws` independent draws with probability `p` give. */
static void assert_binomial(double found, double draws, double p, double bound, const char *what)
{
    double deviation = root(draws * p * (1 - p));
    double distance = found > draws * p ? found - draws * p : draws * p - found;
    print_message("    %s: %.0f of %.0f, expected %.0f, %.2f deviations\n", what, found, draws, draws * p,
                  distance / deviation);
    if (distance > bound * deviation)
        fail_msg("%s", what);
}

/* The correlation id of a request, of the form that services give them. */
static struct trail_text id_of(uint32_t request, char out[40])
{
    uint64_t mixed = (request + 1) * UINT64_C(0x9E3779B97F4A7C15);
    mixed ^= mixed >> 29;
    int size = snprintf(out, 40, "%08x-%04x-4%03x-8%03x-%012x", (unsigned)(mixed >> 32), (unsigned)mixed & 0xFFFF,
                        request & 0xFFF, (unsigned)(mixed >> 16) & 0xFFF, request);
    return text_of(out, (size_t)size);
}

static struct policy *policy_of(double rate, double reads, const struct hash_key *key)
{
    struct settings settings = { .enabled = true, .sample_rate = rate, .sample_reads = reads };
    struct policy  *policy = NULL;
    assert_int_equal(policy_new(&policy, &settings, key, NULL), TRAIL_OK);
    return policy;
}

/* Decide event `i` of a request. */
static bool keeps(const struct policy *policy, uint32_t request, int i, double *ret_weight)
{
    char               id[40];
    struct trail_event event = { TRAIL_EVENT_INIT, .correlation_id = id_of(request, id) };
    return policy_decide(policy, &event, operations[i], ret_weight) == POLICY_KEEP;
}

/* ---- Shares, groups, sums ---- */

static const double rates[] = { 0.001, 0.01, 0.1, 0.25, 0.5, 0.9, 0.999 };

static void the_share_is_kept_in_whole_requests_and_weights_sum_to_the_truth(void **state)
{
    (void)state;
    for (size_t r = 0; r < COUNT_OF(rates); r++) {
        double         rate = rates[r];
        struct policy *policy = policy_of(rate, rate, &fixed_key);
        uint32_t       requests_kept = 0;
        double         sum = 0;
        for (uint32_t request = 0; request < REQUESTS; request++) {
            int kept = 0;
            for (int i = 0; i < EVENTS_PER_REQUEST; i++) {
                double weight = 0;
                if (!keeps(policy, request, i, &weight))
                    continue;
                assert_true(weight == 1 / rate);
                kept++;
                sum += weight;
            }
            assert_true(kept == 0 || kept == EVENTS_PER_REQUEST);
            requests_kept += kept > 0;
        }
        print_message("rate %g\n", rate);
        assert_binomial(requests_kept, REQUESTS, rate, FIXED, "requests kept");
        assert_binomial(sum * rate / EVENTS_PER_REQUEST, REQUESTS, rate, FIXED, "weighted sum, in requests kept");
        policy_free(policy);
    }
}

static void reads_have_a_rate_of_their_own_that_wins(void **state)
{
    (void)state;
    static const struct {
        double rate, reads;
    } cases[] = { { 1, 0.01 }, { 0.5, 0.01 }, { 0.01, 0.5 }, { 0.1, 1 }, { 0.1, 0 } };
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct policy *policy = policy_of(cases[c].rate, cases[c].reads, &fixed_key);
        uint32_t       reads = 0;
        uint32_t       creates = 0;
        for (uint32_t request = 0; request < REQUESTS; request++) {
            double weight = 0;
            bool   read = keeps(policy, request, 0, &weight);
            assert_true(!read || weight == 1 / cases[c].reads);
            bool create = keeps(policy, request, 1, &weight);
            assert_true(!create || weight == 1 / cases[c].rate);
            /* Of one request the lower rate never keeps what the higher one leaves out. */
            assert_true(cases[c].rate > cases[c].reads ? !read || create : !create || read);
            reads += read;
            creates += create;
        }
        print_message("rate %g, reads %g\n", cases[c].rate, cases[c].reads);
        if (cases[c].reads == 0 || cases[c].reads == 1)
            assert_int_equal(reads, cases[c].reads == 0 ? 0 : REQUESTS);
        else
            assert_binomial(reads, REQUESTS, cases[c].reads, FIXED, "reads");
        if (cases[c].rate == 1)
            assert_int_equal(creates, REQUESTS);
        else
            assert_binomial(creates, REQUESTS, cases[c].rate, FIXED, "creates");
        policy_free(policy);
    }
}

static void a_lower_rate_keeps_a_part_of_what_a_higher_one_keeps(void **state)
{
    (void)state;
    struct policy *policies[COUNT_OF(rates)];
    for (size_t r = 0; r < COUNT_OF(rates); r++)
        policies[r] = policy_of(rates[r], rates[r], &fixed_key);
    for (uint32_t request = 0; request < REQUESTS; request++) {
        double weight;
        bool   kept_below = false;
        for (size_t r = 0; r < COUNT_OF(rates); r++) {
            bool kept = keeps(policies[r], request, 0, &weight);
            assert_true(kept || !kept_below);
            kept_below = kept;
        }
    }
    for (size_t r = 0; r < COUNT_OF(rates); r++)
        policy_free(policies[r]);
}

/* ---- The outsider ---- */

static void verdicts_under_two_keys_are_independent(void **state)
{
    (void)state;
    static const double some[] = { 0.01, 0.3, 0.5 };
    for (size_t r = 0; r < COUNT_OF(some); r++) {
        struct hash_key keys[2];
        double          p = some[r];
        uint32_t        agree = 0;
        uint32_t        both = 0;
        assert_int_equal(hash_key_random(&keys[0]), TRAIL_OK);
        assert_int_equal(hash_key_random(&keys[1]), TRAIL_OK);
        struct policy *first = policy_of(p, p, &keys[0]);
        struct policy *second = policy_of(p, p, &keys[1]);
        for (uint32_t request = 0; request < REQUESTS; request++) {
            double weight;
            bool   a = keeps(first, request, 0, &weight);
            bool   b = keeps(second, request, 0, &weight);
            agree += a == b;
            both += a && b;
        }
        print_message("rate %g\n", p);
        assert_binomial(agree, REQUESTS, p * p + (1 - p) * (1 - p), RANDOM, "verdicts that agree");
        assert_binomial(both, REQUESTS, p * p, RANDOM, "kept by both");
        policy_free(first);
        policy_free(second);
    }
}

/* An outsider who knows all but the key computes ids that would be left out under the key that he guesses. */
static uint32_t kept_of_chosen(const struct hash_key *guess, const struct hash_key *real, double rate,
                               uint32_t *ret_chosen)
{
    struct policy *imagined = policy_of(rate, rate, guess);
    struct policy *policy = policy_of(rate, rate, real);
    uint32_t       chosen = 0;
    uint32_t       kept = 0;
    for (uint32_t request = 0; request < 2 * REQUESTS && chosen < REQUESTS / 2; request++) {
        double weight;
        if (keeps(imagined, request, 0, &weight))
            continue;
        chosen++;
        kept += keeps(policy, request, 0, &weight);
    }
    policy_free(imagined);
    policy_free(policy);
    *ret_chosen = chosen;
    return kept;
}

static void ids_that_are_chosen_without_the_key_fare_like_all_others(void **state)
{
    (void)state;
    static const double some[] = { 0.05, 0.5, 0.95 };
    for (size_t r = 0; r < COUNT_OF(some); r++) {
        struct hash_key real;
        uint32_t        chosen = 0;
        assert_int_equal(hash_key_random(&real), TRAIL_OK);
        uint32_t kept = kept_of_chosen(&zero_key, &real, some[r], &chosen);
        print_message("rate %g\n", some[r]);
        assert_binomial(kept, chosen, some[r], RANDOM, "kept of those chosen to be left out");

        /* The control: who knows the key chooses well. */
        assert_int_equal(kept_of_chosen(&real, &real, some[r], &chosen), 0);
        assert_true(chosen > 10000);
    }
}

/* ---- What is decided at all ---- */

static void what_matters_is_never_sampled_out_and_ordinary_events_are(void **state)
{
    (void)state;
    static const uint32_t sampled =
        BIT(CREATE) | BIT(READ) | BIT(UPDATE) | BIT(EXECUTE) | BIT(ACCESS) | BIT(EXPORT) | BIT(IMPORT);
    struct policy *policy = policy_of(0, 0, &fixed_key);
    for (int operation = 1; operation < TRAIL_OPERATION_COUNT; operation++) {
        for (int outcome = 0; outcome <= TRAIL_OUTCOME_UNKNOWN; outcome++) {
            struct trail_event event = { TRAIL_EVENT_INIT, .outcome = (enum trail_outcome)outcome,
                                         .correlation_id = TRAIL_TEXT("c") };
            double             weight = 0;
            bool               left_out = outcome == TRAIL_OUTCOME_SUCCESS && (sampled >> operation & 1) != 0;
            assert_int_equal(policy_decide(policy, &event, (enum trail_operation)operation, &weight),
                             left_out ? POLICY_SAMPLED_OUT : POLICY_KEEP);
            assert_true(left_out || weight == 1);
        }
    }
    assert_int_equal(sampling_operations(), sampled);
    assert_true(policy_samples(policy));
    policy_free(policy);

    policy = policy_of(1, 1, NULL);
    assert_false(policy_samples(policy));
    policy_free(policy);
}

static void an_id_counts_as_far_as_it_is_stored(void **state)
{
    (void)state;
    struct sampling sampling;
    char            id[128];
    uint32_t        kept = 0;
    sampling_init(&sampling, 0.5, 0.5, &fixed_key);
    memset(id, 'x', sizeof id);
    for (int i = 0; i < 2000; i++) {
        double weight;
        id[0] = (char)('!' + i % 90);
        id[63] = (char)('!' + i / 90);
        struct trail_event event = { TRAIL_EVENT_INIT, .correlation_id = text_of(id, 64) };
        bool               keep = sampling_keeps(&sampling, &event, OP(CREATE), &weight);
        event.correlation_id = text_of(id, sizeof id);
        assert_int_equal(sampling_keeps(&sampling, &event, OP(CREATE), &weight), keep);
        kept += keep;
    }
    assert_binomial(kept, 2000, 0.5, FIXED, "of ids that differ in their first and last stored byte");
}

/* ---- Without a correlation id ---- */

#define DRAWS 100000

static void draw(uint8_t kept[DRAWS], double rate)
{
    static const struct trail_event event = { TRAIL_EVENT_INIT };
    struct sampling                 sampling;
    double                          weight;
    sampling_init(&sampling, rate, rate, &fixed_key);
    for (size_t i = 0; i < DRAWS; i++)
        kept[i] = sampling_keeps(&sampling, &event, OP(READ), &weight);
}

static double ones(const uint8_t *kept)
{
    double count = 0;
    for (size_t i = 0; i < DRAWS; i++)
        count += kept[i];
    return count;
}

static double equal(const uint8_t *a, const uint8_t *b)
{
    double count = 0;
    for (size_t i = 0; i < DRAWS; i++)
        count += a[i] == b[i];
    return count;
}

static uint8_t draws[3][DRAWS];

static void *draw_in_thread(void *kept)
{
    draw(kept, 0.5);
    return kept;
}

static void without_an_id_every_thread_draws_for_itself(void **state)
{
    (void)state;
    for (size_t r = 0; r < COUNT_OF(rates); r++) {
        print_message("rate %g\n", rates[r]);
        draw(draws[0], rates[r]);
        assert_binomial(ones(draws[0]), DRAWS, rates[r], RANDOM, "kept without an id");
    }
    pthread_t threads[2];
    draw(draws[0], 0.5);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, draw_in_thread, draws[i + 1]), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_binomial(equal(draws[0], draws[1]), DRAWS, 0.5, RANDOM, "this thread and another agree");
    assert_binomial(equal(draws[1], draws[2]), DRAWS, 0.5, RANDOM, "two other threads agree");
}

/* The draws of a child, to be compared with those of its parent that follow. */
static void draw_in_child(uint8_t kept[DRAWS], bool anew)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (anew)
            sampling_after_fork();
        draw(kept, 0.5);
        size_t sent = 0;
        for (ssize_t size = 0; size >= 0 && sent < DRAWS; sent += (size_t)size)
            size = write(ends[1], kept + sent, DRAWS - sent);
        _exit(0);
    }
    close(ends[1]);
    size_t got = 0;
    for (ssize_t size = 1; size > 0 && got < DRAWS; got += (size_t)size) {
        size = read(ends[0], kept + got, DRAWS - got);
        assert_true(size >= 0);
    }
    close(ends[0]);
    assert_int_equal(got, DRAWS);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_child_does_not_repeat_its_parents_draws(void **state)
{
    (void)state;
    draw(draws[0], 0.5); /* It has a start to inherit. */
    draw_in_child(draws[1], true);
    draw_in_child(draws[2], false);
    draw(draws[0], 0.5);
    assert_binomial(equal(draws[0], draws[1]), DRAWS, 0.5, RANDOM, "parent and child agree");
    assert_true(equal(draws[0], draws[2]) == DRAWS); /* The control. */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_share_is_kept_in_whole_requests_and_weights_sum_to_the_truth),
        cmocka_unit_test(reads_have_a_rate_of_their_own_that_wins),
        cmocka_unit_test(a_lower_rate_keeps_a_part_of_what_a_higher_one_keeps),
        cmocka_unit_test(verdicts_under_two_keys_are_independent),
        cmocka_unit_test(ids_that_are_chosen_without_the_key_fare_like_all_others),
        cmocka_unit_test(what_matters_is_never_sampled_out_and_ordinary_events_are),
        cmocka_unit_test(an_id_counts_as_far_as_it_is_stored),
        cmocka_unit_test(without_an_id_every_thread_draws_for_itself),
        cmocka_unit_test(a_child_does_not_repeat_its_parents_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
