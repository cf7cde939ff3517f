/* main.c -- the example gateway: a small registry of tools and servers that records who did what in an audit trail.
 *
 * It starts the trail before and closes it after everything else, so that nothing is done that it could not record.
 */
#include "routes.h"

#include <audittrail.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char USAGE[] = "usage: gateway [--port N] [--data-dir DIR] [--threads N] [--env-file FILE]\n"
                            "  --port N         on 127.0.0.1; 0 takes any free port (default 8080)\n"
                            "  --data-dir DIR   where registry.db lives (default run/gateway)\n"
                            "  --threads N      that serve requests, 1 to 64 (default: one per CPU, at least 2)\n"
                            "  --env-file FILE  AUDIT_TRAIL_* settings, below the environment (default: .env)\n";

struct settings {
    uint16_t    port;
    unsigned    threads;
    const char *data_dir;
    const char *env_file; /* NULL: .env if it is there. */
};

static unsigned default_threads(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    return cpus < 2 ? 2 : cpus > 64 ? 64 : (unsigned)cpus;
}

static bool read_number(const char *text, long min, long max, long *ret_number)
{
    char *end = NULL;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < min || number > max)
        return false;
    *ret_number = number;
    return true;
}

/* False: the usage has been said. */
static bool read_settings(int argc, char **argv, struct settings *ret_settings)
{
    static const struct option OPTIONS[] = { { "port", required_argument, NULL, 'p' },
                                             { "data-dir", required_argument, NULL, 'd' },
                                             { "threads", required_argument, NULL, 't' },
                                             { "env-file", required_argument, NULL, 'e' },
                                             { NULL, 0, NULL, 0 } };
    long                       number = 0;
    bool                       valid = true;
    int                        option;
    while (valid && (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        if (option == 'p' && (valid = read_number(optarg, 0, UINT16_MAX, &number)))
            ret_settings->port = (uint16_t)number;
        else if (option == 't' && (valid = read_number(optarg, 1, 64, &number)))
            ret_settings->threads = (unsigned)number;
        else if (option == 'd')
            ret_settings->data_dir = optarg;
        else if (option == 'e')
            ret_settings->env_file = optarg;
        else
            valid = false;
    }
    if (!valid || optind != argc)
        fputs(USAGE, stderr);
    return valid && optind == argc;
}

/* mkdir -p */
static bool make_directory(const char *path)
{
    char   partial[PATH_MAX];
    size_t size = strlen(path);
    if (size >= sizeof partial)
        return false;
    memcpy(partial, path, size + 1);
    for (char *slash = strchr(partial + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(partial, 0700) != 0 && errno != EEXIST)
            return false;
        *slash = '/';
    }
    return mkdir(partial, 0700) == 0 || errno == EEXIST;
}

/* A connection is a file descriptor; the usual soft limit of 1,024 is below the 2,000 that are to be served. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        fprintf(stderr, "gateway: could not raise the limit of open files: %s\n", strerror(errno));
}

static void on_notice(void *context, const struct trail_error *notice)
{
    (void)context;
    if (notice->code == TRAIL_OK)
        fprintf(stderr, "gateway: audit trail: %s\n", notice->message);
    else
        fprintf(stderr, "gateway: audit trail: %s (%s)\n", notice->message, trail_strerror(notice->code));
}

/* What is recorded and what is not, in one line. */
static void say_policy(const struct trail *trail)
{
    char line[2048];
    trail_describe(trail, line, sizeof line);
    printf("gateway: audit trail: %s\n", line);
    fflush(stdout);
}

static struct trail *open_trail(const struct settings *settings)
{
    struct trail_options options = { TRAIL_OPTIONS_INIT, .env_file = settings->env_file, .on_notice = on_notice };
    struct trail_error   error = { 0 };
    struct trail        *trail = NULL;
    if (trail_open(&trail, &options, &error) != TRAIL_OK) {
        fprintf(stderr, "gateway: cannot open the audit trail: %s\n", error.message);
        return NULL;
    }
    say_policy(trail);
    return trail;
}

static struct registry *open_registry(const struct settings *settings)
{
    char path[PATH_MAX];
    if (!make_directory(settings->data_dir)) {
        fprintf(stderr, "gateway: cannot make %s: %s\n", settings->data_dir, strerror(errno));
        return NULL;
    }
    struct registry *registry = NULL;
    if (snprintf(path, sizeof path, "%s/registry.db", settings->data_dir) >= (int)sizeof path ||
        registry_open(&registry, path) != REGISTRY_OK)
        return NULL;
    return registry;
}

/* Store what waits. What the store will not take in time stays in the spool, and is not kept quiet. */
static bool close_trail(struct trail *trail)
{
    uint64_t       waiting = 0;
    enum trail_err code = trail_close(trail, &waiting);
    if (code == TRAIL_PENDING)
        fprintf(stderr,
                "gateway: %" PRIu64 " audit events are not stored yet; they are safe in the spool, and the next"
                " start stores them\n",
                waiting);
    else if (code < 0)
        fprintf(stderr, "gateway: closing the audit trail: %s\n", trail_strerror(code));
    else
        printf("gateway: stopped; every audit event is stored\n");
    return code >= 0;
}

/* The signals that end us, and SIGHUP, which does not: blocked before the first thread starts, so that only
 * wait_for_stop() sees them. */
static void block_signals(sigset_t *ret_signals)
{
    sigemptyset(ret_signals);
    sigaddset(ret_signals, SIGINT);
    sigaddset(ret_signals, SIGTERM);
    sigaddset(ret_signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, ret_signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* Read the trail's settings again. False: it was too soon; to be asked once more. */
static bool reload_policy(struct trail *trail)
{
    struct trail_error error = { 0 };
    enum trail_err     code = trail_reload(trail, &error);
    if (code == TRAIL_EAGAIN)
        return false;
    if (code != TRAIL_OK)
        fprintf(stderr, "gateway: the audit trail's policy stays as it is: %s\n", error.message);
    else
        say_policy(trail);
    return true;
}

/* Serve until a signal ends us; SIGHUP reloads the policy. One that comes too soon is not forgotten. */
static void wait_for_stop(struct trail *trail, const sigset_t *signals)
{
    const struct timespec second = { .tv_sec = 1 };
    bool                  reload_is_due = false;
    for (;;) {
        int signal_number = reload_is_due ? sigtimedwait(signals, NULL, &second) : sigwaitinfo(signals, NULL);
        if (signal_number == SIGINT || signal_number == SIGTERM)
            return;
        if (signal_number == SIGHUP || (signal_number < 0 && errno == EAGAIN))
            reload_is_due = !reload_policy(trail);
    }
}

static bool serve(struct gateway *gateway, const struct settings *settings, const sigset_t *signals)
{
    struct http_options options = {
        .port = settings->port, .threads = settings->threads, .handler = routes_handle, .context = gateway
    };
    struct http_server *server = http_server_start(&options);
    if (server == NULL) {
        fprintf(stderr, "gateway: cannot listen on 127.0.0.1:%u: %s\n", settings->port, strerror(errno));
        return false;
    }
    printf("gateway: listening on http://127.0.0.1:%u\n", http_server_port(server));
    fflush(stdout);

    wait_for_stop(gateway->trail, signals);
    http_server_stop(server);
    return true;
}

int main(int argc, char **argv)
{
    struct settings settings = { .port = 8080, .threads = default_threads(), .data_dir = "run/gateway" };
    if (!read_settings(argc, argv, &settings))
        return 2;

    umask(077); /* What is registered, and who did what, is nobody else's business. */
    sigset_t signals;
    block_signals(&signals);
    raise_file_limit();

    static struct gateway gateway; /* Static: the counters are many, and start at zero. */
    bool                  served = false;
    gateway.trail = open_trail(&settings);
    if (gateway.trail == NULL)
        return 1;
    gateway.registry = open_registry(&settings);
    if (gateway.registry != NULL)
        served = serve(&gateway, &settings, &signals);
    registry_close(gateway.registry);
    bool closed = close_trail(gateway.trail);
    return served && closed ? 0 : 1;
}
