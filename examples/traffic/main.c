/* main.c -- traffic: sends the example gateway a realistic mix of requests and says what came back.
 *
 * It talks to this machine only, for a limited time, and prints one JSON object: tests compare it with what the
 * audit trail says about the same requests.
 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define CONNECTIONS_MAX 10000
#define SECONDS_MAX 3600
#define RATE_MAX 1000000
#define REQUESTS_MAX 100000000
#define USERS_MAX 1000000

static const char USAGE[] = "usage: traffic --port N [options]\n"
                            "  --port N          of the gateway\n"
                            "  --address A       127.x.x.x only (default 127.0.0.1)\n"
                            "  --connections N   kept alive, 1 to 10000 (default 50)\n"
                            "  --seconds N       1 to 3600 (default 10)\n"
                            "  --rate N          requests per second; 0: as fast as they are answered (default 200)\n"
                            "  --requests N      stop after so many; 0: the time decides (default 0)\n"
                            "  --mix crud|full   see acceptance/traffic-mix.md (default crud)\n"
                            "  --users N         different users (default 100)\n"
                            "  --seed N          the same seed gives the same requests (default 1)\n"
                            "  --output json|text  (default json)\n";

struct settings {
    struct load_options load;
    bool                text; /* Print for a person, not for a program. */
};

static bool read_number(const char *text, unsigned long max, unsigned long *ret_number)
{
    char *end = NULL;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || number > max)
        return false;
    *ret_number = number;
    return true;
}

/* Never another machine: whoever wants to load one has better tools, and should ask first. */
static bool read_loopback(const char *text, struct load_options *options)
{
    struct in_addr address;
    if (inet_pton(AF_INET, text, &address) != 1 || ntohl(address.s_addr) >> 24 != 127) {
        fprintf(stderr, "traffic: %s is not a loopback address (127.x.x.x)\n", text);
        return false;
    }
    options->address.sin_addr = address;
    return true;
}

static bool read_output(const char *text, bool *ret_text)
{
    *ret_text = strcmp(text, "text") == 0;
    return *ret_text || strcmp(text, "json") == 0;
}

static bool read_option(int option, const char *text, struct settings *settings)
{
    struct load_options *options = &settings->load;
    unsigned long        number = 0;
    bool                 valid = false;
    switch (option) {
    case 'a': return read_loopback(text, options);
    case 'o': return read_output(text, &settings->text);
    case 'm': return mix_parse(text, &options->mix);
    case 'p':
        valid = read_number(text, UINT16_MAX, &number) && number > 0;
        options->address.sin_port = htons((uint16_t)number);
        return valid;
    case 'c':
        valid = read_number(text, CONNECTIONS_MAX, &number) && number > 0;
        options->connections = (unsigned)number;
        return valid;
    case 's':
        valid = read_number(text, SECONDS_MAX, &number) && number > 0;
        options->seconds = (unsigned)number;
        return valid;
    case 'r':
        valid = read_number(text, RATE_MAX, &number);
        options->rate = (unsigned)number;
        return valid;
    case 'n':
        valid = read_number(text, REQUESTS_MAX, &number);
        options->requests = number;
        return valid;
    case 'u':
        valid = read_number(text, USERS_MAX, &number) && number > 0;
        options->users = (unsigned)number;
        return valid;
    case 'd':
        valid = read_number(text, UINT32_MAX, &number);
        options->seed = number;
        return valid;
    default: return false;
    }
}

static bool read_options(int argc, char **argv, struct settings *settings)
{
    static const struct option NAMES[] = { { "port", required_argument, NULL, 'p' },
                                           { "address", required_argument, NULL, 'a' },
                                           { "connections", required_argument, NULL, 'c' },
                                           { "seconds", required_argument, NULL, 's' },
                                           { "rate", required_argument, NULL, 'r' },
                                           { "requests", required_argument, NULL, 'n' },
                                           { "mix", required_argument, NULL, 'm' },
                                           { "users", required_argument, NULL, 'u' },
                                           { "seed", required_argument, NULL, 'd' },
                                           { "output", required_argument, NULL, 'o' },
                                           { NULL, 0, NULL, 0 } };
    int                        option;
    while ((option = getopt_long(argc, argv, "", NAMES, NULL)) != -1) {
        if (!read_option(option, optarg, settings))
            return false;
    }
    return optind == argc && settings->load.address.sin_port != 0;
}

static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        fprintf(stderr, "traffic: could not raise the limit of open files: %s\n", strerror(errno));
}

static volatile sig_atomic_t stop; /* mutable: set by a signal handler */

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static json_t *latency_json(const struct tally *tally)
{
    return json_pack("{s:I, s:I, s:I}", "p50", (json_int_t)tally_latency_us(tally, 0.5), "p99",
                     (json_int_t)tally_latency_us(tally, 0.99), "max", (json_int_t)tally->latency_max_us);
}

static bool print_json(const struct load_options *options, const struct load_result *result)
{
    json_t *report =
        json_pack("{s:s, s:i, s:i, s:f, s:I, s:I, s:I, s:I, s:o, s:o}", "mix", mix_name(options->mix), "connections",
                  (int)options->connections, "connections_used", (int)result->connections_used, "seconds",
                  result->seconds, "sent", (json_int_t)result->sent, "answered", (json_int_t)result->tally.answered,
                  "unanswered", (json_int_t)result->unanswered, "reconnects", (json_int_t)result->reconnects,
                  "latency_us", latency_json(&result->tally), "actions", tally_actions_json(&result->tally));
    bool printed = report != NULL && json_dumpf(report, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0 &&
                   putchar('\n') != EOF && fflush(stdout) == 0;
    json_decref(report);
    return printed;
}

static bool print_text(const struct load_result *result)
{
    const char *action = NULL;
    const char *status = NULL;
    json_t     *by_status = NULL;
    json_t     *count = NULL;
    json_t     *actions = tally_actions_json(&result->tally);
    json_object_foreach(actions, action, by_status)
    {
        json_object_foreach(by_status, status, count)
            printf("  %-18s %s %8lld\n", action, status, (long long)json_integer_value(count));
    }
    json_decref(actions);
    printf("  %llu requests in %.1f s, %llu without an answer; half of them within %llu us, 99 %% within %llu us\n",
           (unsigned long long)result->sent, result->seconds, (unsigned long long)result->unanswered,
           (unsigned long long)tally_latency_us(&result->tally, 0.5),
           (unsigned long long)tally_latency_us(&result->tally, 0.99));
    return fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
    struct settings settings = { .load = { .address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } },
                                           .connections = 50,
                                           .seconds = 10,
                                           .rate = 200,
                                           .users = 100,
                                           .mix = MIX_CRUD,
                                           .seed = 1,
                                           .stop = &stop } };
    if (!read_options(argc, argv, &settings)) {
        fputs(USAGE, stderr);
        return 2;
    }
    raise_file_limit();
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);

    static struct load_result result; /* Static: the tally is large. */
    if (!load_run(&settings.load, &result))
        return 1;
    bool printed = settings.text ? print_text(&result) : print_json(&settings.load, &result);
    return printed && result.unanswered == 0 ? 0 : 1;
}
