/* pager.c -- sends what is printed on standard output through a pager, as long as someone looks at it. */
#include "cli/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/screen.h"

#define PAGER_DEFAULT "less -FRX"
#define PAGER_BYTES_MAX 1024
#define PAGER_WORDS_MAX 32

/* $PAGER as words. No word: there shall be no pager. */
struct pager_words {
    char   text[PAGER_BYTES_MAX];
    char  *list[PAGER_WORDS_MAX + 1]; /* NULL last. */
    size_t count;
    bool   chosen; /* By $PAGER. */
};

static bool split(struct pager_words *words)
{
    const char *pager = getenv("PAGER");
    *words = (struct pager_words){ .chosen = pager != NULL };
    int size = snprintf(words->text, sizeof words->text, "%s", pager != NULL ? pager : PAGER_DEFAULT);
    if (size < 0 || (size_t)size >= sizeof words->text)
        return false;
    for (char *at = words->text; *at != '\0';) {
        size_t blanks = strspn(at, " \t");
        memset(at, '\0', blanks);
        at += blanks;
        if (*at == '\0')
            break;
        if (words->count == PAGER_WORDS_MAX)
            return false;
        words->list[words->count++] = at;
        at += strcspn(at, " \t");
    }
    return true;
}

/* Start the program with `read_fd` as its standard input. Returns an errno. */
static int spawn(pid_t *ret_pid, char **words, int read_fd)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t          attributes;
    sigset_t                   defaults;

    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    /* An ignored signal stays ignored in a new program. */
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGQUIT);
    error = posix_spawnattr_setsigdefault(&attributes, &defaults);
    if (error == 0)
        error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&actions, read_fd, STDIN_FILENO);
    if (error == 0)
        error = posix_spawnp(ret_pid, words[0], &actions, &attributes, words, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* From here on our own writing must fail instead of killing us, and Ctrl-C is not for us. */
static void ignore_signals(struct pager *pager)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigaction(SIGPIPE, &ignore, &pager->old_pipe);
    sigaction(SIGINT, &ignore, &pager->old_interrupt);
    sigaction(SIGQUIT, &ignore, &pager->old_quit);
}

/* Returns an errno. */
static int start(struct pager *pager, struct pager_words *words)
{
    int   pipe_fds[2];
    pid_t pid = 0;

    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return errno;
    int error = spawn(&pid, words->list, pipe_fds[0]);
    int saved = error == 0 ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : -1;
    if (saved >= 0 && dup2(pipe_fds[1], STDOUT_FILENO) >= 0) {
        pager->pid = pid;
        pager->stdout_fd = saved;
        ignore_signals(pager);
    } else if (error == 0) {
        error = errno;
        if (saved >= 0)
            close(saved);
    }
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    /* A pager that is not used sees an empty input. */
    if (error != 0 && pid > 0)
        waitpid(pid, NULL, 0);
    return error;
}

void pager_start(struct pager *pager, const char *command)
{
    struct pager_words words;

    *pager = (struct pager){ .pid = 0 };
    if (!split(&words)) {
        fprintf(stderr, "audittrail %s: PAGER is too long; printing without it\n", command);
        return;
    }
    /* less asks for a key before it shows anything there. */
    if (!words.chosen && screen_is_dumb())
        return;
    if (words.count == 0 || strcmp(words.list[0], "cat") == 0)
        return;
    /* less chosen without options shows what the default would; who has set LESS has decided. */
    (void)setenv("LESS", "FRX", 0);

    fflush(stdout);
    int error = start(pager, &words);
    if (error != 0 && words.chosen)
        fprintf(stderr, "audittrail %s: cannot start PAGER %s: %s; printing without it\n", command, words.list[0],
                strerror(error));
}

bool pager_has_quit(const struct pager *pager)
{
    return pager->pid != 0 && ferror(stdout);
}

void pager_end(struct pager *pager)
{
    if (pager->pid == 0)
        return;
    fflush(stdout);
    (void)dup2(pager->stdout_fd, STDOUT_FILENO);
    close(pager->stdout_fd);
    clearerr(stdout);
    while (waitpid(pager->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    sigaction(SIGPIPE, &pager->old_pipe, NULL);
    sigaction(SIGINT, &pager->old_interrupt, NULL);
    sigaction(SIGQUIT, &pager->old_quit, NULL);
    pager->pid = 0;
}
