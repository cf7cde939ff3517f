/* simulate_notes.c -- what a reader of a simulation must know about its numbers: how sure they are, and why. */
#include "query/simulate_notes.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* Less than an hour says little about a day. */
#define SPAN_DAYS_MIN (1.0 / 24)

/* Fewer stored events, and what every store has anyway is most of its bytes. */
#define STORE_EVENTS_MIN 1000

struct notes {
    struct simulate_note *list;
    size_t                count;
};

__attribute__((format(printf, 3, 4))) static void note(struct notes *notes, const char *code, const char *format, ...)
{
    assert(notes->count < SIMULATE_NOTES_MAX);
    struct simulate_note *next = &notes->list[notes->count++];
    va_list               arguments;
    next->code = code;
    va_start(arguments, format);
    vsnprintf(next->text, sizeof next->text, format, arguments);
    va_end(arguments);
}

static void note_unseen(struct notes *notes, const struct simulation *simulation, const struct simulate_totals *totals)
{
    if (!simulation->unseen_asked) {
        note(notes, "unseen_not_asked",
             "the filter looks at more than time and operation; what was not recorded cannot be told apart by it "
             "and is in no number here");
        return;
    }
    if (totals->unseen_now >= 0.5)
        note(notes, "unseen",
             "offered in this time and not recorded: %.0f events; of them only the number by operation and "
             "reason is known, so what a wider policy keeps of them is a forecast without examples",
             totals->unseen_now);
    if (totals->unseen_now >= 0.5 && simulation->unseen_spread)
        note(notes, "unseen_spread",
             "some processes recorded before or after this time as well; what they did not record is spread evenly "
             "over their lives");
    if (totals->then_high - totals->then_low >= 0.5)
        note(notes, "unseen_bounds",
             "names and outcomes of what was not recorded are not known; where the draft decides by them, the forecast "
             "is a range from none of these events to all of them");
    if (simulation->unseen_unplaced >= 0.5)
        note(notes, "unseen_unplaced",
             "%.0f events were not recorded by processes that have stored nothing in this time and may be gone; they "
             "are in no number here",
             simulation->unseen_unplaced);
    if (totals->unseen_now >= 0.5 && draft_excludes(simulation->now))
        note(notes, "in_force",
             "for what was excluded, the settings of this command are taken for those of the services that recorded");
    if (!simulation->now->enabled)
        note(notes, "disabled", "the trail is switched off now; what is offered while it is off is not counted");
}

static void note_bytes(struct notes *notes, const struct simulation *simulation)
{
    const struct simulate_bytes *bytes = &simulation->bytes;
    if (bytes->basis == SIMULATE_BYTES_ENCODED)
        note(notes, "bytes_encoded",
             "bytes are those of the events as they are encoded, before redaction; no store of "
             "any size was found to go by");
    if (bytes->basis == SIMULATE_BYTES_OF_STORE && bytes->store_events < STORE_EVENTS_MIN)
        note(notes, "bytes_of_few",
             "bytes per event come from a store of only %" PRIu64 " events, whose own pages are most of it",
             bytes->store_events);
}

static void note_time(struct notes *notes, const struct simulate_totals *totals)
{
    if (totals->days <= 0)
        note(notes, "no_time", "the events do not say when they were, so there are no numbers per day");
    else if (totals->per_day <= 0)
        note(notes, "too_short", "the events cover %.1f seconds, which says nothing of a day", totals->days * 86400);
    else if (totals->days < SPAN_DAYS_MIN)
        note(notes, "short_time",
             "the events cover %.0f minutes; numbers per day are as if the whole day went on like that",
             totals->days * 1440);
}

size_t simulation_notes(const struct simulation *simulation, struct simulate_note list[SIMULATE_NOTES_MAX])
{
    struct notes                 notes = { list, 0 };
    const struct simulate_totals totals = simulation_totals(simulation);
    bool                         shares = simulation->rules[DRAFT_SAMPLED].events > 0;
    for (size_t i = 0; i < TRAIL_OPERATION_COUNT; i++)
        shares = shares || simulation->operations[i].weighed;

    if (!simulation->of_store && !shares)
        note(&notes, "exact",
             "these are counts, if the input has every event that is offered; what `audittrail query` and `tail` print "
             "was recorded: what was left out is missing in it");
    if (shares)
        note(&notes, "sampling",
             "sampling counts by expected share (weight times rate); a run of it differs from that by chance");
    if (simulation->contradicting >= 0.5)
        note(&notes, "other_policy",
             "for %.0f events it was decided otherwise than the settings of this command say: another policy was in "
             "force when they happened, and `now` is what that one recorded",
             simulation->contradicting);
    if (simulation->of_store && simulation->remapped > 0)
        note(&notes, "action_map",
             "for %" PRIu64 " stored events the draft's action map gives another operation than they are stored under; "
             "it does so only if their callers did not say the operation, which is not stored",
             simulation->remapped);
    if (simulation->of_store)
        note_unseen(&notes, simulation, &totals);
    note_time(&notes, &totals);
    note_bytes(&notes, simulation);
    return notes.count;
}
