/* operation.c -- what kind of thing was done, found from an action's name, and which levels take it.
 *
 * A name is read as words: letters without their case, cut at `_` `.` `/` `-`. Only whole words count, so
 * `runner_start` does not run, `address_lookup` adds nothing, and `get_deleted_items` deletes nothing.
 * `bulk`, `batch` and `all` in front are skipped. Then the first rule that decides:
 *
 *   1. The first word is a verb: its operation. One word alone (`CREATE`, `login`) is the shortest case.
 *      But a reading verb decides only if no writing one stands behind it (`get_or_create_x` creates,
 *      `list_and_delete` deletes; the last one wins). A conjunction right behind the reading verb
 *      announces a verb: if that is not known, neither is the operation (`view_and_annotate` is other).
 *   2. Otherwise a clear writing verb anywhere behind it: `user.create`, `tools/delete/batch` (the last one wins).
 *   3. Otherwise the last word: `tools/call`, `tool.list`, `settings_list`, `health_check`, `user_login`.
 *   4. Otherwise a clear reading or auth verb anywhere: `tools.get_by_id`, `user_login_failed`.
 *   5. Otherwise `other`.
 *
 * Many verbs are nouns as well (`get_run_log`, `list_set_members`, `rotate_access_key`). The table says for each where
 * it may be taken for a verb. Where that is doubtful the rules lean to the side that is recorded: a
 * read that is taken for a write costs a row, a write that is taken for a read is lost under the default level.
 */
#include "event/operation.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"

/* ---- Verbs -------------------------------------------------------------------------------------- */

/* Where a word is taken for a verb. */
enum place {
    PLACE_FIRST = 1,  /* In front: rule 1. */
    PLACE_INSIDE = 2, /* Behind a word that is no verb, anywhere: rule 2 (writes) or 4 (reads, auth). */
    PLACE_LAST = 4,   /* The last word: rule 3. */
    PLACE_BEHIND = 8, /* Behind a reading verb, without a conjunction in front of it: rule 1. */
    /* What else a word may be. */
    WORD_JOINS = 16, /* A conjunction. */
    WORD_MANY = 32,  /* Says that it is done to many at once. */
};

/* A verb and nothing else: counts everywhere. */
#define CLEAR (PLACE_FIRST | PLACE_INSIDE | PLACE_LAST | PLACE_BEHIND)
/* Clear too, but what stands behind a reading verb is its object: `list_login_events`. */
#define CLEAR_ALONE (PLACE_FIRST | PLACE_INSIDE | PLACE_LAST)
/* A noun as well: counts where a verb has to stand, at either end and after a conjunction. */
#define NOUNISH (PLACE_FIRST | PLACE_LAST)

#define VERB_BYTES_MAX 16    /* Two 64-bit compares; the longest is "deactivate". */
#define VERBS_PER_LETTER 12  /* Of the fullest letter, r. */
#define ACTION_BYTES_MAX 100 /* The action's limit in fields.def: what is cut off there is not stored either. */

struct verb {
    char    word[VERB_BYTES_MAX]; /* Filled up with NUL. */
    uint8_t size;
    uint8_t operation;
    uint8_t places; /* enum place bits. */
};

/* clang-format off */
#define VERB(word, operation, places) { word, sizeof(word) - 1, TRAIL_OPERATION_##operation, places }
/* clang-format on */

/* By first letter; a row ends at its first empty entry. The verbs of operation OTHER write, but do not say what
 * kind of write it is. They stand here so that no word behind them speaks for them: `archive_list`, `drop_view` and
 * `mark_as_read` are not reads. */
static const struct verb verbs[26][VERBS_PER_LETTER] = {
    ['a' - 'a'] = { VERB("access", ACCESS, PLACE_FIRST), VERB("activate", UPDATE, CLEAR), VERB("add", CREATE, CLEAR),
                    VERB("all", AUTO, WORD_MANY), VERB("and", AUTO, WORD_JOINS), VERB("allow", OTHER, PLACE_FIRST),
                    VERB("approve", ADMIN, CLEAR), VERB("archive", OTHER, PLACE_FIRST), VERB("assign", ADMIN, CLEAR),
                    VERB("auth", AUTH, PLACE_FIRST) },
    ['b' - 'a'] = { VERB("batch", AUTO, WORD_MANY), VERB("block", OTHER, PLACE_FIRST), VERB("bulk", AUTO, WORD_MANY) },
    ['c' - 'a'] = { VERB("call", EXECUTE, NOUNISH), VERB("cancel", OTHER, PLACE_FIRST),
                    VERB("change", OTHER, PLACE_FIRST), VERB("check", READ, PLACE_LAST),
                    VERB("clear", OTHER, PLACE_FIRST), VERB("configure", ADMIN, CLEAR),
                    VERB("copy", OTHER, PLACE_FIRST), VERB("create", CREATE, CLEAR) },
    ['d' - 'a'] = { VERB("deactivate", UPDATE, CLEAR), VERB("delete", DELETE, CLEAR), VERB("deny", OTHER, PLACE_FIRST),
                    VERB("disable", UPDATE, CLEAR), VERB("drop", OTHER, PLACE_FIRST) },
    ['e' - 'a'] = { VERB("edit", OTHER, CLEAR), VERB("enable", UPDATE, CLEAR), VERB("execute", EXECUTE, CLEAR),
                    VERB("export", EXPORT, NOUNISH) },
    ['f' - 'a'] = { VERB("flush", OTHER, PLACE_FIRST) },
    ['g' - 'a'] = { VERB("get", READ, CLEAR_ALONE), VERB("grant", ADMIN, NOUNISH) },
    ['i' - 'a'] = { VERB("import", IMPORT, NOUNISH), VERB("insert", OTHER, CLEAR), VERB("invoke", EXECUTE, CLEAR) },
    ['l' - 'a'] = { VERB("list", READ, NOUNISH), VERB("lock", OTHER, PLACE_FIRST), VERB("login", AUTH, CLEAR_ALONE),
                    VERB("logout", AUTH, CLEAR_ALONE) },
    ['m' - 'a'] = { VERB("mark", OTHER, PLACE_FIRST), VERB("merge", OTHER, PLACE_FIRST), VERB("modify", OTHER, CLEAR),
                    VERB("move", OTHER, PLACE_FIRST) },
    ['o' - 'a'] = { VERB("or", AUTO, WORD_JOINS), VERB("overwrite", OTHER, CLEAR) },
    ['p' - 'a'] = { VERB("patch", UPDATE, NOUNISH), VERB("publish", OTHER, CLEAR), VERB("purge", DELETE, CLEAR) },
    ['r' - 'a'] = { VERB("read", READ, NOUNISH), VERB("register", CREATE, NOUNISH), VERB("reject", ADMIN, CLEAR),
                    VERB("remove", DELETE, CLEAR), VERB("rename", UPDATE, CLEAR), VERB("replace", OTHER, CLEAR),
                    VERB("reset", ADMIN, NOUNISH), VERB("restore", OTHER, CLEAR), VERB("revoke", DELETE, CLEAR),
                    VERB("rotate", OTHER, CLEAR), VERB("run", EXECUTE, NOUNISH) },
    ['s' - 'a'] = { VERB("search", READ, NOUNISH), VERB("send", OTHER, PLACE_FIRST), VERB("session", AUTH, PLACE_FIRST),
                    VERB("set", UPDATE, NOUNISH), VERB("share", OTHER, PLACE_FIRST), VERB("start", OTHER, PLACE_FIRST),
                    VERB("stop", OTHER, PLACE_FIRST), VERB("sync", OTHER, PLACE_FIRST) },
    ['t' - 'a'] = { VERB("then", AUTO, WORD_JOINS), VERB("toggle", UPDATE, NOUNISH) },
    ['u' - 'a'] = { VERB("unlock", OTHER, PLACE_FIRST), VERB("update", UPDATE, CLEAR), VERB("upload", OTHER, NOUNISH),
                    VERB("upsert", OTHER, CLEAR) },
    ['v' - 'a'] = { VERB("view", READ, NOUNISH) },
    ['w' - 'a'] = { VERB("write", OTHER, NOUNISH) },
};

/* ---- Words -------------------------------------------------------------------------------------- */

/* One word of an action's name in lower case, held in registers: the first byte is the lowest of `head`. Bytes past
 * the 16th are counted and forgotten: no verb is that long. */
struct word {
    uint64_t head; /* Bytes 0 to 7. */
    uint64_t tail; /* Bytes 8 to 15. */
    size_t   size;
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "struct word is compared with bytes in memory");

static bool is_separator(char c)
{
    return c == '_' || (c >= '-' && c <= '/'); /* `-` `.` `/` are neighbours in ASCII. */
}

/* The bytes up to a separator, at most 8, as a number; moves *at behind them. */
static uint64_t take_bytes(const char **at, const char *end)
{
    uint64_t    bytes = 0;
    const char *stop = end - *at > 8 ? *at + 8 : end;
    for (unsigned shift = 0; *at < stop && !is_separator(**at); shift += 8, (*at)++)
        bytes |= (uint64_t)(unsigned char)**at << shift;
    return bytes;
}

/* Cut the next word off *rest; false when there is none. Separators at the ends and in a row make no empty words. */
static bool next_word(struct trail_text *rest, struct word *ret_word)
{
    const char *at = rest->data;
    const char *end = rest->data + rest->size;
    while (at < end && is_separator(*at))
        at++;

    const char *start = at;
    ret_word->head = text_lower_8(take_bytes(&at, end));
    ret_word->tail = at - start == 8 ? text_lower_8(take_bytes(&at, end)) : 0;
    while (at < end && !is_separator(*at))
        at++;
    ret_word->size = (size_t)(at - start);
    *rest = text_of(at, (size_t)(end - at));
    return at > start;
}

static const struct verb *find_verb(const struct word *word)
{
    uint64_t letter = (word->head & 0xFF) - 'a';
    if (letter >= 26)
        return NULL;

    const struct verb *row = verbs[letter];
    for (size_t i = 0; i < VERBS_PER_LETTER && row[i].size != 0; i++) {
        uint64_t head;
        uint64_t tail;
        memcpy(&head, row[i].word, 8);
        memcpy(&tail, row[i].word + 8, 8);
        if (word->head == head && word->tail == tail && word->size == row[i].size)
            return &row[i];
    }
    return NULL;
}

/* True when `verb` is one at (one of) these places. */
static bool stands(const struct verb *verb, unsigned places)
{
    return verb != NULL && (verb->places & places) != 0;
}

/* The action as it will be stored: cut to its limit. */
static struct trail_text action_cut(struct trail_text action)
{
    return text_of(action.data, action.size < ACTION_BYTES_MAX ? action.size : ACTION_BYTES_MAX);
}

/* ---- Classification ----------------------------------------------------------------------------- */

static bool is_reading(enum trail_operation operation)
{
    return operation == TRAIL_OPERATION_READ || operation == TRAIL_OPERATION_ACCESS;
}

/* Rule 1 behind a reading verb: the last writing verb in `rest`, else the reading verb's own operation. */
static enum trail_operation classify_behind_read(struct trail_text rest, enum trail_operation reading)
{
    enum trail_operation result = reading;
    struct word          word;
    bool                 behind_conjunction = false;
    for (size_t i = 0; next_word(&rest, &word); i++) {
        const struct verb *verb = find_verb(&word);
        if (stands(verb, behind_conjunction ? PLACE_FIRST | PLACE_LAST : PLACE_BEHIND)) {
            if (!is_reading(verb->operation))
                result = verb->operation;
        } else if (behind_conjunction && i == 1) {
            result = TRAIL_OPERATION_OTHER;
        }
        behind_conjunction = stands(verb, WORD_JOINS);
    }
    return result;
}

/* Rules 2 to 4, for a name whose first word is no verb. */
static enum trail_operation classify_by_parts(struct trail_text rest)
{
    enum trail_operation writing = TRAIL_OPERATION_AUTO;
    enum trail_operation inside = TRAIL_OPERATION_AUTO;
    const struct verb   *last = NULL;
    struct word          word;
    while (next_word(&rest, &word)) {
        last = find_verb(&word);
        if (stands(last, PLACE_BEHIND))
            writing = last->operation;
        else if (stands(last, PLACE_INSIDE))
            inside = last->operation;
    }

    if (writing != TRAIL_OPERATION_AUTO)
        return writing;
    if (stands(last, PLACE_LAST))
        return last->operation;
    return inside != TRAIL_OPERATION_AUTO ? inside : TRAIL_OPERATION_OTHER;
}

enum trail_operation operation_classify(struct trail_text action)
{
    struct trail_text  rest = action_cut(action);
    struct word        word;
    const struct verb *verb;
    do {
        if (!next_word(&rest, &word))
            return TRAIL_OPERATION_OTHER;
        verb = find_verb(&word);
    } while (stands(verb, WORD_MANY));

    if (!stands(verb, PLACE_FIRST))
        return classify_by_parts(rest);
    if (!is_reading(verb->operation))
        return verb->operation;
    return classify_behind_read(rest, verb->operation);
}

bool action_is_bulk(struct trail_text action)
{
    struct trail_text rest = action_cut(action);
    struct word       word;
    while (next_word(&rest, &word)) {
        if (stands(find_verb(&word), WORD_MANY))
            return true;
    }
    return false;
}

/* ---- Names -------------------------------------------------------------------------------------- */

static const char *const operation_names[] = {
#define NAME(symbol, number, name) [number] = name,
    TRAIL_OPERATION_MAP(NAME)
};
static const char *const outcome_names[] = { TRAIL_OUTCOME_MAP(NAME) };
static const char *const classification_names[] = { TRAIL_CLASSIFICATION_MAP(NAME) };
static const char *const level_names[] = { TRAIL_LEVEL_MAP(NAME)
#undef NAME
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

_Static_assert(COUNT(operation_names) == TRAIL_OPERATION_COUNT, "TRAIL_OPERATION_COUNT counts the operations and AUTO");

/* The number whose name this is, or -1. */
static int number_of(const char *const *names, size_t count, struct trail_text name)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i] != NULL && text_equal_nocase(name, trail_str(names[i])))
            return (int)i;
    }
    return -1;
}

const char *operation_name(enum trail_operation operation)
{
    return (unsigned)operation < COUNT(operation_names) ? operation_names[operation] : NULL;
}

bool operation_from_name(struct trail_text name, enum trail_operation *ret_operation)
{
    int number = number_of(operation_names, COUNT(operation_names), name);
    if (number < 0)
        return false;
    *ret_operation = (enum trail_operation)number;
    return true;
}

const char *outcome_name(enum trail_outcome outcome)
{
    return (unsigned)outcome < COUNT(outcome_names) ? outcome_names[outcome] : NULL;
}

bool outcome_from_name(struct trail_text name, enum trail_outcome *ret_outcome)
{
    int number = number_of(outcome_names, COUNT(outcome_names), name);
    if (number < 0)
        return false;
    *ret_outcome = (enum trail_outcome)number;
    return true;
}

const char *classification_name(enum trail_classification classification)
{
    return (unsigned)classification < COUNT(classification_names) ? classification_names[classification] : NULL;
}

bool classification_from_name(struct trail_text name, enum trail_classification *ret_classification)
{
    int number = number_of(classification_names, COUNT(classification_names), name);
    if (number < 0)
        return false;
    *ret_classification = (enum trail_classification)number;
    return true;
}

const char *level_name(enum trail_level level)
{
    return (unsigned)level < COUNT(level_names) ? level_names[level] : NULL;
}

bool level_from_name(struct trail_text name, enum trail_level *ret_level)
{
    int number = number_of(level_names, COUNT(level_names), name);
    if (number < 0)
        return false;
    *ret_level = (enum trail_level)number;
    return true;
}

/* ---- Levels ------------------------------------------------------------------------------------- */

#define BIT(operation) (UINT32_C(1) << TRAIL_OPERATION_##operation)
#define EVERY_OPERATION (((UINT32_C(1) << TRAIL_OPERATION_COUNT) - 1) & ~UINT32_C(1)) /* Not AUTO. */

static const uint32_t operations_of_level[] = {
    [TRAIL_LEVEL_ALL] = EVERY_OPERATION,
    [TRAIL_LEVEL_WRITES_ONLY] = EVERY_OPERATION & ~(BIT(READ) | BIT(ACCESS)),
    [TRAIL_LEVEL_MUTATIONS_ONLY] = BIT(UPDATE) | BIT(DELETE) | BIT(ADMIN) | BIT(OTHER),
    [TRAIL_LEVEL_DELETES_ONLY] = BIT(DELETE),
    [TRAIL_LEVEL_FAILURES_ONLY] = EVERY_OPERATION,
};

uint32_t level_operations(enum trail_level level)
{
    assert((unsigned)level < COUNT(operations_of_level));
    return operations_of_level[level];
}

bool level_takes(enum trail_level level, enum trail_operation operation, enum trail_outcome outcome)
{
    if (level == TRAIL_LEVEL_FAILURES_ONLY && outcome == TRAIL_OUTCOME_SUCCESS)
        return false;
    return (level_operations(level) >> (unsigned)operation & 1) != 0;
}

enum trail_level level_of_operation(enum trail_operation operation)
{
    static const enum trail_level narrowest_first[] = { TRAIL_LEVEL_DELETES_ONLY, TRAIL_LEVEL_MUTATIONS_ONLY,
                                                        TRAIL_LEVEL_WRITES_ONLY };

    for (size_t i = 0; i < COUNT(narrowest_first); i++) {
        if ((operations_of_level[narrowest_first[i]] >> (unsigned)operation & 1) != 0)
            return narrowest_first[i];
    }
    return TRAIL_LEVEL_ALL;
}
