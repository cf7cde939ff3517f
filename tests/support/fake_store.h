/* fake_store.h -- store.h in memory: rows, writers and the fence, failing as told.
 *
 * There is one database for all connections. Linked before the library it takes the place of store/store.c.
 *
 * Thread: any; one lock.
 * Memory: static; fake_store_reset() empties it.
 * Errors: as scripted.
 */
#ifndef TESTS_SUPPORT_FAKE_STORE_H
#define TESTS_SUPPORT_FAKE_STORE_H

#include "store/store.h"
#include "support/fault.h"

#define FAKE_ROWS_MAX 40000
#define FAKE_WRITERS_MAX 16

struct fake_row {
    struct uuid writer;
    uint64_t    seq;
    bool        control;
    bool        dead; /* A dead letter. */
    char        action[32];
    char        context[128];
};

struct fake_writer {
    struct uuid          uuid;
    uint64_t             last_seq;
    struct trail_account accounts[TRAIL_OPERATION_COUNT];
};

struct fake_store_state {
    struct uuid        identity;
    struct fake_row    rows[FAKE_ROWS_MAX];
    size_t             row_count;
    struct fake_writer writers[FAKE_WRITERS_MAX];
    size_t             writer_count;
    unsigned           transactions; /* Committed, those with accounts alone not counted. */
    unsigned           writes;       /* Calls of store_write(). */
    unsigned           open_now;     /* Connections. */
    unsigned           opened;       /* Ever. */
    unsigned           abandoned;    /* In this process. */

    /* The script. */
    struct fault away_open;   /* store_open() says TRAIL_EAWAY. */
    struct fault away_write;  /* store_write() says TRAIL_EAWAY and writes nothing. */
    struct fault lost_commit; /* store_write() writes, then says TRAIL_EAWAY. */
    const char  *poison;      /* An action that is refused with TRAIL_EDATA. */
    unsigned     letters;     /* So many forms of each dead letter are refused as well. */
};

/* Look at it with the lock held; the pointer is static. */
struct fake_store_state *fake_store_lock(void);
void                     fake_store_unlock(void);

void fake_store_reset(void);

/* Arm one of the faults above. */
void fake_store_fail(struct fault *fault, unsigned skip, unsigned times);

/* What a restored backup is like: forget everything of this writer behind last_seq; 0: the writer itself, too. */
void fake_store_restore(const struct uuid *writer, uint64_t last_seq);

/* Rows as text: "1 2 -3 4!": a minus stands before control records, an exclamation mark behind dead letters. */
const char *fake_store_text(const struct uuid *writer);

size_t   fake_store_rows(void);
unsigned fake_store_transactions(void);
unsigned fake_store_writes(void);

/* Ordinary rows with this action, dead letters included. */
size_t fake_store_count(const char *action);

#endif
