/* query_sql.c -- turns a filter into SQL over the star, one page at a time. */
#include "query/query_sql.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "event/operation.h"

/* The columns of enum query_column: e event, w writer, u actor, r resource, a action, h route, p payload. */
static const char page_columns[] = "e.timestamp, e.writer, e.seq, w.id_hash, e.operation, e.outcome, "
                                   "coalesce(e.flags, 0), e.data_classification, e.requires_review, "
                                   "coalesce(e.weight, 1.0), w.service";

static const char *const text_columns[EVENT_FIELD_COUNT] = {
    [EVENT_action] = "a.action",
    [EVENT_resource_type] = "r.resource_type",
    [EVENT_resource_id] = "r.resource_id",
    [EVENT_resource_name] = "r.resource_name",
    [EVENT_user_id] = "u.user_id",
    [EVENT_user_email] = "u.user_email",
    [EVENT_team_id] = "u.team_id",
    [EVENT_auth_method] = "u.auth_method",
    [EVENT_acting_as] = "u.acting_as",
    [EVENT_client_ip] = "u.client_ip",
    [EVENT_user_agent] = "u.user_agent",
    [EVENT_request_method] = "h.request_method",
    [EVENT_request_path] = "h.request_path",
    [EVENT_correlation_id] = "e.correlation_id",
    [EVENT_request_id] = "e.request_id",
    [EVENT_error_message] = "e.error_message",
    [EVENT_delegation_chain] = "p.delegation_chain",
    [EVENT_old_values] = "p.old_values",
    [EVENT_new_values] = "p.new_values",
    [EVENT_changes] = "p.changes",
    [EVENT_context] = "p.context",
};

/* LEFT JOIN throughout: an event whose reference is damaged is still shown. */
static const char page_joins[] = " LEFT JOIN audit_writers w ON w.id = e.writer"
                                 " LEFT JOIN audit_actors u ON u.id = e.actor"
                                 " LEFT JOIN audit_resources r ON r.id = e.resource"
                                 " LEFT JOIN audit_actions a ON a.id = e.action"
                                 " LEFT JOIN audit_routes h ON h.id = e.route";

/* The same for PostgreSQL, where OFFSET 0 has each row of a page look up its references by their keys. Left alone, the
 * planner reads and hashes whole dimensions for it: 15 ms of a page's 15.2, with 20,000 routes. */
#define LOOK_UP(table, alias, reference) \
    " LEFT JOIN LATERAL (SELECT * FROM " table " WHERE id = e." reference " OFFSET 0) " alias " ON true"
static const char page_look_ups[] = LOOK_UP("audit_writers", "w", "writer") LOOK_UP("audit_actors", "u", "actor")
    LOOK_UP("audit_resources", "r", "resource") LOOK_UP("audit_actions", "a", "action")
        LOOK_UP("audit_routes", "h", "route");

/* In PostgreSQL they are columns of the event. */
static const char payload_join[] = " LEFT JOIN audit_payloads p ON p.event = e.id";

/* How the events of each drive are walked. */
static const struct drive {
    const char *index;
    const char *dimension; /* NULL: none. */
    const char *reference; /* Column of audit_events. */
} drives[] = {
    [QUERY_BY_TIME] = { "audit_events_time", NULL, NULL },
    [QUERY_BY_CORRELATION] = { "audit_events_correlation", NULL, NULL },
    [QUERY_BY_RESOURCE] = { "audit_events_resource", "audit_resources", "resource" },
    [QUERY_BY_ACTOR] = { "audit_events_actor", "audit_actors", "actor" },
};

/* ---- Patterns ---- */

/* One name or pattern for LIKE ... ESCAPE '\': in lower case, `*` as `%`, `?` as `_`. Returns the bytes written, at
 * most twice those read. */
static size_t write_pattern(struct trail_text pattern, char *out)
{
    size_t size = 0;
    for (size_t i = 0; i < pattern.size; i++) {
        char c = pattern.data[i];
        if (c == '*' && size > 0 && out[size - 1] == '%' && (size < 2 || out[size - 2] != '\\'))
            continue; /* Many stars in a row say no more than one, and take LIKE longer. */
        if (c == '%' || c == '_' || c == '\\')
            out[size++] = '\\';
        else if (c == '*')
            c = '%';
        else if (c == '?')
            c = '_';
        else if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        out[size++] = c;
    }
    return size;
}

static enum trail_err compile_patterns(struct query_sql *sql, struct trail_text action, struct trail_error *ret_error)
{
    if (action.size > QUERY_PATTERN_BYTES_MAX)
        return error_set(ret_error, TRAIL_EINVAL, 0, "the filter's action has %zu bytes, more than %d", action.size,
                         QUERY_PATTERN_BYTES_MAX);
    struct trail_text rest = action;
    struct trail_text item;
    size_t            used = 0;
    while (text_next_item(&rest, &item)) {
        if (item.size == 0)
            continue;
        if (sql->pattern_count == QUERY_PATTERNS_MAX)
            return error_set(ret_error, TRAIL_EINVAL, 0, "the filter's action lists more than %d patterns",
                             QUERY_PATTERNS_MAX);
        char  *at = sql->pattern_storage + used;
        size_t size = write_pattern(item, at);
        sql->patterns[sql->pattern_count++] = text_of(at, size);
        used += size;
    }
    return TRAIL_OK;
}

static enum trail_err check_filter(const struct trail_filter *filter, struct trail_error *ret_error)
{
    if ((unsigned)filter->level > TRAIL_LEVEL_FAILURES_ONLY)
        return error_set(ret_error, TRAIL_EINVAL, 0, "the filter's level %d is not one of enum trail_level",
                         (int)filter->level);
    if ((unsigned)filter->data_classification > TRAIL_CLASSIFICATION_RESTRICTED)
        return error_set(ret_error, TRAIL_EINVAL, 0, "the filter's data_classification %d is out of range",
                         (int)filter->data_classification);
    if ((unsigned)filter->requires_review > TRAIL_REVIEW_YES)
        return error_set(ret_error, TRAIL_EINVAL, 0, "the filter's requires_review %d is out of range",
                         (int)filter->requires_review);
    return TRAIL_OK;
}

enum trail_err query_sql_init(struct query_sql *sql, const struct trail_filter *filter, struct trail_error *ret_error)
{
    memset(sql, 0, sizeof *sql);
    sql->filter = filter;
    buf_init(&sql->text, NULL, 0);
    enum trail_err err = check_filter(filter, ret_error);
    return err == TRAIL_OK ? compile_patterns(sql, filter->action, ret_error) : err;
}

void query_sql_speak(struct query_sql *sql, enum store_dialect dialect)
{
    sql->dialect = dialect;
}

void query_sql_done(struct query_sql *sql)
{
    if (sql != NULL)
        buf_done(&sql->text);
}

/* ---- Pieces of a statement ---- */

static void start(struct query_sql *sql)
{
    buf_clear(&sql->text);
    sql->parameter_count = 0;
}

static bool is_postgresql(const struct query_sql *sql)
{
    return sql->dialect == STORE_DIALECT_POSTGRESQL;
}

/* Each `?` gets its number, that of the parameter which is bound next. */
static void put(struct query_sql *sql, const char *piece)
{
    size_t next = sql->parameter_count;
    for (const char *mark; (mark = strchr(piece, '?')) != NULL; piece = mark + 1) {
        buf_append(&sql->text, piece, (size_t)(mark - piece));
        buf_printf(&sql->text, "?%zu", ++next);
    }
    buf_append_string(&sql->text, piece);
}

/* SQLite is told which index to walk. */
static void put_index(struct query_sql *sql, const char *index)
{
    if (!is_postgresql(sql))
        buf_printf(&sql->text, " INDEXED BY %s", index);
}

static void finish(struct query_sql *sql)
{
    buf_append(&sql->text, "", 1);
}

static void bind_integer(struct query_sql *sql, int64_t integer)
{
    assert(sql->parameter_count < QUERY_PARAMETERS_MAX);
    sql->parameters[sql->parameter_count++] = (struct store_value){ .kind = STORE_INTEGER, .integer = integer };
}

static void bind_time(struct query_sql *sql, int64_t time_us)
{
    assert(sql->parameter_count < QUERY_PARAMETERS_MAX);
    sql->parameters[sql->parameter_count++] = (struct store_value){ .kind = STORE_TIME, .integer = time_us };
}

static void bind_text(struct query_sql *sql, struct trail_text text)
{
    assert(sql->parameter_count < QUERY_PARAMETERS_MAX);
    sql->parameters[sql->parameter_count++] = (struct store_value){ .kind = STORE_TEXT, .text = text };
}

static void put_text_condition(struct query_sql *sql, const char *condition, struct trail_text text)
{
    if (text.size == 0)
        return;
    put(sql, condition);
    bind_text(sql, text);
}

static void put_time_condition(struct query_sql *sql, const char *condition, int64_t time_us)
{
    put(sql, condition);
    bind_time(sql, time_us);
}

/* In PostgreSQL twelve bits of a hash are what the index knows of it (docs/adr/0008). */
static void put_correlation_condition(struct query_sql *sql)
{
    struct trail_text correlation_id = sql->filter->correlation_id;
    if (is_postgresql(sql))
        put_text_condition(sql, " AND hashtext(x.correlation_id) & 4095 = hashtext(?) & 4095", correlation_id);
    put_text_condition(sql, " AND x.correlation_id = ?", correlation_id);
}

static void put_integer_condition(struct query_sql *sql, const char *condition, int64_t integer)
{
    put(sql, condition);
    bind_integer(sql, integer);
}

/* " AND column IN (1, 5)" for the bits of `mask`. */
static void put_mask_condition(struct query_sql *sql, const char *column, uint32_t mask)
{
    buf_printf(&sql->text, " AND %s IN (", column);
    const char *comma = "";
    for (int bit = 0; bit < 32; bit++) {
        if ((mask >> bit & 1) == 0)
            continue;
        buf_printf(&sql->text, "%s%d", comma, bit);
        comma = ", ";
    }
    put(sql, ")");
}

static bool filters_actor(const struct trail_filter *filter)
{
    return filter->user_id.size > 0 || filter->user_email.size > 0 || filter->team_id.size > 0;
}

static bool filters_resource(const struct trail_filter *filter)
{
    return filter->resource_type.size > 0 || filter->resource_id.size > 0;
}

/* Conditions on the rows of a dimension, after a WHERE true. */
static void put_dimension_conditions(struct query_sql *sql, enum query_drive drive)
{
    const struct trail_filter *filter = sql->filter;
    if (drive == QUERY_BY_ACTOR) {
        put_text_condition(sql, " AND user_id = ?", filter->user_id);
        put_text_condition(sql, " AND user_email = ?", filter->user_email);
        put_text_condition(sql, " AND team_id = ?", filter->team_id);
    } else {
        put_text_condition(sql, " AND resource_type = ?", filter->resource_type);
        put_text_condition(sql, " AND resource_id = ?", filter->resource_id);
    }
}

/* " AND x.actor IN (SELECT ...)" for a dimension that is filtered but does not drive. */
static void put_membership(struct query_sql *sql, enum query_drive dimension)
{
    buf_printf(&sql->text, " AND x.%s IN (SELECT id FROM %s WHERE true", drives[dimension].reference,
               drives[dimension].dimension);
    put_dimension_conditions(sql, dimension);
    put(sql, ")");
}

static void put_action_condition(struct query_sql *sql)
{
    if (sql->pattern_count == 0)
        return;
    /* Letters beyond ASCII are compared as they are, in both. */
    const char *like = is_postgresql(sql) ? " OR lower(action COLLATE \"C\") LIKE ? ESCAPE '\\'"
                                          : " OR lower(action) LIKE ? ESCAPE '\\'";
    put(sql, " AND x.action IN (SELECT id FROM audit_actions WHERE false");
    for (size_t i = 0; i < sql->pattern_count; i++)
        put_text_condition(sql, like, sql->patterns[i]);
    put(sql, ")");
}

/* What the level alone would have kept: FAILURES_ONLY looks at the outcome, the others at the operation. */
static void put_level_condition(struct query_sql *sql, enum trail_level level)
{
    if (level == TRAIL_LEVEL_FAILURES_ONLY)
        put(sql, " AND x.outcome <> 0");
    else if (level != 0 && level != TRAIL_LEVEL_ALL)
        put_mask_condition(sql, "x.operation", level_operations(level));
}

static int64_t later(int64_t a_us, int64_t b_us)
{
    return a_us > b_us ? a_us : b_us;
}

/* 0: no bound. */
static int64_t earlier_bound(int64_t a_us, int64_t b_us)
{
    return b_us == 0 || (a_us != 0 && a_us < b_us) ? a_us : b_us;
}

/* The bounds in time: those of the filter and of the window, and the place where the last page ended, which is the
 * tighter one on its side. */
static void put_range(struct query_sql *sql, const struct query_position *after)
{
    const struct trail_filter *filter = sql->filter;
    bool                       forward = filter->oldest_first;
    int64_t                    from_us = later(filter->since_us, sql->window.from_us);
    int64_t                    to_us = earlier_bound(filter->until_us, sql->window.to_us);
    if (from_us != 0 && (after == NULL || !forward || sql->window.from_us != 0))
        put_time_condition(sql, " AND x.timestamp >= ?", from_us);
    if (to_us != 0 && (after == NULL || forward || sql->window.to_us != 0))
        put_time_condition(sql, " AND x.timestamp < ?", to_us);
    if (after == NULL)
        return;
    /* Days are left out for what is said of the time alone. */
    if (is_postgresql(sql))
        put_time_condition(sql, forward ? " AND x.timestamp >= ?" : " AND x.timestamp <= ?", after->timestamp_us);
    put(sql, forward ? " AND (x.timestamp, x.writer, x.seq) > (?, ?, ?)"
                     : " AND (x.timestamp, x.writer, x.seq) < (?, ?, ?)");
    bind_time(sql, after->timestamp_us);
    bind_integer(sql, after->writer);
    bind_integer(sql, after->seq);
}

/* Conditions on the facts, after a WHERE true or a first condition. */
static void put_fact_conditions(struct query_sql *sql, enum query_drive drive, const struct query_position *after)
{
    const struct trail_filter *filter = sql->filter;
    put_correlation_condition(sql);
    if (filters_actor(filter) && drive != QUERY_BY_ACTOR)
        put_membership(sql, QUERY_BY_ACTOR);
    if (filters_resource(filter) && drive != QUERY_BY_RESOURCE)
        put_membership(sql, QUERY_BY_RESOURCE);
    put_action_condition(sql);
    put_level_condition(sql, filter->level);
    if (filter->operations != 0)
        put_mask_condition(sql, "x.operation", filter->operations);
    if (filter->outcomes != 0)
        put_mask_condition(sql, "x.outcome", filter->outcomes);
    if (filter->data_classification != 0)
        put_integer_condition(sql, " AND x.data_classification = ?", filter->data_classification);
    if (filter->requires_review != TRAIL_REVIEW_AUTO)
        put(sql, filter->requires_review == TRAIL_REVIEW_YES ? " AND x.requires_review" : " AND NOT x.requires_review");
    put_range(sql, after);
}

/* " ORDER BY t.timestamp DESC, ..." */
static void put_order(struct query_sql *sql, const char *table)
{
    const char *direction = sql->filter->oldest_first ? "ASC" : "DESC";
    buf_printf(&sql->text, " ORDER BY %s.timestamp %s, %s.writer %s, %s.seq %s", table, direction, table, direction,
               table, direction);
}

/* ---- Statements ---- */

bool query_sql_drive(const struct trail_filter *filter, enum query_drive *ret_drive)
{
    if (filter->correlation_id.size > 0)
        *ret_drive = QUERY_BY_CORRELATION;
    else if (filter->resource_id.size > 0)
        *ret_drive = QUERY_BY_RESOURCE;
    else if (filters_actor(filter))
        *ret_drive = QUERY_BY_ACTOR;
    else if (filters_resource(filter))
        *ret_drive = QUERY_BY_RESOURCE;
    else
        *ret_drive = QUERY_BY_TIME;

    bool specific = filter->resource_id.size > 0 || filter->user_id.size > 0 || filter->user_email.size > 0;
    return drives[*ret_drive].dimension != NULL && !specific;
}

void query_sql_drivers(struct query_sql *sql, enum query_drive drive)
{
    start(sql);
    buf_printf(&sql->text, "SELECT id FROM %s WHERE true", drives[drive].dimension);
    put_dimension_conditions(sql, drive);
    buf_printf(&sql->text, " LIMIT %d", QUERY_DRIVERS_MAX + 1);
    finish(sql);
}

/* The facts as `x`, where what is looked for is few: in PostgreSQL the planner looks into both tables by index. */
static void put_facts(struct query_sql *sql)
{
    if (is_postgresql(sql))
        put(sql, " FROM (SELECT * FROM audit_events UNION ALL SELECT * FROM audit_events_stray) x");
    else
        put(sql, " FROM audit_events x");
    put_index(sql, "audit_events_time");
}

void query_sql_find(struct query_sql *sql, const struct event_id_parts *id)
{
    start(sql);
    put(sql, "SELECT x.timestamp, x.writer, x.seq");
    put_facts(sql);
    put(sql, " JOIN audit_writers w ON w.id = x.writer WHERE true");
    put_time_condition(sql, " AND x.timestamp >= ?", id->timestamp_ms * 1000);
    put_time_condition(sql, " AND x.timestamp < ?", (id->timestamp_ms + 1) * 1000);
    put_integer_condition(sql, " AND w.id_hash = ?", id->writer_hash);
    put_integer_condition(sql, " AND (x.seq & 4398046511103) = ?", (int64_t)id->seq); /* EVENT_ID_SEQ_MASK */
    finish(sql);
}

void query_sql_oldest(struct query_sql *sql)
{
    start(sql);
    put(sql, "SELECT min(oldest) FROM (SELECT min(day)::timestamp AT TIME ZONE 'UTC' AS oldest FROM audit_days"
             " UNION ALL SELECT min(timestamp) FROM audit_events_stray) o");
    finish(sql);
}

/* SELECT of the page's row ids: one walk along an index. */
static void put_walk(struct query_sql *sql, enum query_drive drive, const struct query_position *after,
                     size_t row_limit)
{
    const struct drive *walk = &drives[drive];
    put(sql, "SELECT x.id FROM audit_events x");
    put_index(sql, walk->index);
    put(sql, " WHERE ");
    if (walk->dimension != NULL)
        buf_printf(&sql->text, "x.%s = d.id", walk->reference);
    else
        put(sql, "true");
    put_fact_conditions(sql, drive, after);
    put_order(sql, "x");
    buf_printf(&sql->text, " LIMIT %zu", row_limit);
}

/* SELECT of everything that is shown of the events `e`, which follow. */
static void put_columns(struct query_sql *sql)
{
    buf_printf(&sql->text, "SELECT %s", page_columns);
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        bool is_payload = text_columns[i][0] == 'p';
        if (is_payload && is_postgresql(sql))
            buf_printf(&sql->text, ", e%s", text_columns[i] + 1);
        else
            buf_printf(&sql->text, ", %s", text_columns[i]);
    }
    put(sql, " FROM ");
}

void query_sql_range(struct query_sql *sql, const struct query_range *range, size_t row_limit)
{
    start(sql);
    put_columns(sql);
    put(sql, is_postgresql(sql) ? "(SELECT x.*" : "audit_events e");
    if (!is_postgresql(sql)) {
        put(sql, page_joins);
        put(sql, payload_join);
        put(sql, " WHERE e.id IN (SELECT x.id");
    }
    put_facts(sql);
    put(sql, " WHERE true");
    put_time_condition(sql, " AND x.timestamp >= ?", range->min_timestamp_us);
    put_time_condition(sql, " AND x.timestamp <= ?", range->max_timestamp_us);
    put_integer_condition(sql, " AND x.writer = ?", range->writer);
    put_integer_condition(sql, " AND x.seq >= ?", range->first_seq);
    put_integer_condition(sql, " AND x.seq <= ?", range->last_seq);
    buf_printf(&sql->text, " ORDER BY x.seq LIMIT %zu)", row_limit);
    if (is_postgresql(sql)) {
        put(sql, " e");
        put(sql, page_look_ups);
    }
    put(sql, " ORDER BY e.seq");
    finish(sql);
}

/* PostgreSQL: the first rows of one table of facts. */
static void put_first_rows(struct query_sql *sql, const char *table, enum query_drive drive,
                           const struct query_position *after, size_t row_limit)
{
    const struct drive *walk = &drives[drive];
    if (walk->dimension != NULL) {
        buf_printf(&sql->text, "(SELECT x.* FROM %s d JOIN %s x ON x.%s = d.id WHERE true", walk->dimension, table,
                   walk->reference);
        put_dimension_conditions(sql, drive);
    } else {
        buf_printf(&sql->text, "(SELECT x.* FROM %s x WHERE true", table);
    }
    put_fact_conditions(sql, drive, after);
    put_order(sql, "x");
    buf_printf(&sql->text, " LIMIT %zu)", row_limit);
}

/* PostgreSQL: the first rows of the days and those of the strays, and of both the first. The parameters of the two are
 * the same. */
static void put_page(struct query_sql *sql, enum query_drive drive, const struct query_position *after,
                     size_t row_limit)
{
    put(sql, "(SELECT f.* FROM (");
    put_first_rows(sql, "audit_events", drive, after, row_limit);
    put(sql, " UNION ALL ");
    sql->parameter_count = 0;
    put_first_rows(sql, "audit_events_stray", drive, after, row_limit);
    put(sql, ") f");
    put_order(sql, "f");
    buf_printf(&sql->text, " LIMIT %zu) e", row_limit);
    put(sql, page_look_ups);
    put_order(sql, "e");
}

static void put_page_by_rowid(struct query_sql *sql, enum query_drive drive, const struct query_position *after,
                              size_t row_limit)
{
    put(sql, "audit_events e");
    put(sql, page_joins);
    put(sql, payload_join);
    put(sql, " WHERE e.id IN (");
    if (drives[drive].dimension == NULL) {
        put_walk(sql, drive, after, row_limit);
    } else {
        /* A page from each row of the dimension, and of these the first page. */
        buf_printf(&sql->text, "SELECT y.id FROM %s d CROSS JOIN audit_events y WHERE true", drives[drive].dimension);
        put_dimension_conditions(sql, drive);
        put(sql, " AND y.id IN (");
        put_walk(sql, drive, after, row_limit);
        put(sql, ")");
        put_order(sql, "y");
        buf_printf(&sql->text, " LIMIT %zu", row_limit);
    }
    put(sql, ")");
    put_order(sql, "e");
}

void query_sql_page(struct query_sql *sql, enum query_drive drive, const struct query_position *after, size_t row_limit)
{
    start(sql);
    put_columns(sql);
    if (is_postgresql(sql))
        put_page(sql, drive, after, row_limit);
    else
        put_page_by_rowid(sql, drive, after, row_limit);
    finish(sql);
}

void query_sql_scan(struct query_sql *sql, const struct query_position *after, size_t row_limit)
{
    start(sql);
    put(sql, "SELECT x.timestamp, x.writer, x.seq, x.operation, x.outcome, coalesce(x.flags, 0), "
             "coalesce(x.weight, 1.0), a.action, r.resource_type, r.resource_id, u.user_id FROM ");
    if (is_postgresql(sql)) {
        put(sql, "(SELECT f.* FROM (");
        put_first_rows(sql, "audit_events", QUERY_BY_TIME, after, row_limit);
        put(sql, " UNION ALL ");
        sql->parameter_count = 0;
        put_first_rows(sql, "audit_events_stray", QUERY_BY_TIME, after, row_limit);
        put(sql, ") f) x");
    } else {
        put(sql, "audit_events x");
    }
    put_index(sql, "audit_events_time");
    put(sql, " LEFT JOIN audit_actions a ON a.id = x.action"
             " LEFT JOIN audit_resources r ON r.id = x.resource"
             " LEFT JOIN audit_actors u ON u.id = x.actor");
    if (!is_postgresql(sql)) {
        put(sql, " WHERE true");
        put_fact_conditions(sql, QUERY_BY_TIME, after);
    }
    put_order(sql, "x");
    buf_printf(&sql->text, " LIMIT %zu", row_limit);
    finish(sql);
}
