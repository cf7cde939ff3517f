/* mix.h -- which kinds of requests there are, and how often each occurs in a mix.
 *
 *     [mix]  ->  request  ->  load  ->  tally
 *
 * The shares are those of acceptance/traffic-mix.md, read from a real gateway's load test: `crud` is what its
 * audit trail recorded (reads, views, writes), `full` has the tool calls as well.
 *
 * Thread: one owner.
 * Memory: allocates nothing.
 * Errors: none.
 */
#ifndef TRAFFIC_MIX_H
#define TRAFFIC_MIX_H

#include <stdbool.h>
#include <stdint.h>

enum mix { MIX_CRUD, MIX_FULL, MIX_COUNT };

/* What an entry's id is needed for. */
enum kind_id { ID_NONE, ID_ANY, ID_TAKEN };

/* Symbol, action in the audit trail, method, path before the id, id, path behind it, share in crud and in full.
 * The shares of crud add up to 1,060 (health and metrics come on top of 1,000), those of full to 1,000. */
#define KIND_MAP(X)                                                                      \
    X(LIST_TOOLS, "list_tools", "GET", "/tools", ID_NONE, "", 400, 150)                  \
    X(LIST_SERVERS, "list_servers", "GET", "/servers", ID_NONE, "", 240, 100)            \
    X(GET_TOOL, "get_tool", "GET", "/tools/", ID_ANY, "", 200, 80)                       \
    X(GET_SERVER, "get_server", "GET", "/servers/", ID_ANY, "", 120, 50)                 \
    X(CREATE_TOOL, "create_tool", "POST", "/tools", ID_NONE, "", 10, 3)                  \
    X(CREATE_SERVER, "create_server", "POST", "/servers", ID_NONE, "", 5, 2)             \
    X(UPDATE_TOOL, "update_tool", "PUT", "/tools/", ID_ANY, "", 3, 1)                    \
    X(UPDATE_SERVER, "update_server", "PUT", "/servers/", ID_ANY, "", 2, 1)              \
    X(SET_TOOL_STATE, "set_tool_state", "POST", "/tools/", ID_ANY, "/state", 3, 1)       \
    X(SET_SERVER_STATE, "set_server_state", "POST", "/servers/", ID_ANY, "/state", 2, 1) \
    X(DELETE_TOOL, "delete_tool", "DELETE", "/tools/", ID_TAKEN, "", 7, 2)               \
    X(DELETE_SERVER, "delete_server", "DELETE", "/servers/", ID_TAKEN, "", 3, 1)         \
    X(GET_MISSING, "get_tool", "GET", "/tools/no-such-tool", ID_NONE, "", 2, 1)          \
    X(CREATE_INVALID, "create_tool", "POST", "/tools", ID_NONE, "", 1, 1)                \
    X(DELETE_DENIED, "delete_server", "DELETE", "/servers/", ID_ANY, "", 2, 1)           \
    X(INVOKE_TOOL, "invoke_tool", "POST", "/tools/", ID_ANY, "/invoke", 0, 400)          \
    X(INVOKE_SERVER, "invoke_server", "POST", "/servers/", ID_ANY, "/invoke", 0, 170)    \
    X(HEALTH_CHECK, "health_check", "GET", "/health", ID_NONE, "", 45, 28)               \
    X(METRICS_READ, "metrics_read", "GET", "/metrics", ID_NONE, "", 15, 7)

enum kind {
#define KIND_ENUM(symbol, action, method, path, id, tail, crud, full) KIND_##symbol,
    KIND_MAP(KIND_ENUM)
#undef KIND_ENUM
        KIND_COUNT
};

struct kind_info {
    const char  *action;
    const char  *method;
    const char  *path;
    enum kind_id id;
    const char  *tail;
    unsigned     shares[MIX_COUNT];
};

extern const struct kind_info KINDS[KIND_COUNT];

bool        mix_parse(const char *name, enum mix *ret_mix);
const char *mix_name(enum mix mix);

/* The same seed gives the same requests. */
struct mix_random {
    uint64_t state;
};

uint64_t  mix_random_next(struct mix_random *random);
enum kind mix_pick(enum mix mix, struct mix_random *random);

/* Is it about /tools (false: /servers, health or metrics)? */
bool mix_is_tool(enum kind kind);

#endif
