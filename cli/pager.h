/* pager.h -- sends what is printed on standard output through a pager, as long as someone looks at it.
 *
 * $PAGER says which one (`less -FRX` if it does not; none when it is empty or `cat`, and no
 * usual one on a dumb terminal). Its words are split at blanks:
 * there is no shell, so nothing in it is expanded. Standard output itself is turned to the pager, so printing goes on
 * as before. When the pager is quit, writing fails; pager_has_quit() tells, and that is no error.
 *
 *     pager_start(&pager, command)  ->  print to stdout  ->  pager_end(&pager)
 *
 * The caller asks for it on a terminal only. Meanwhile Ctrl-C is the pager's, which lives on the same terminal.
 *
 * Thread: the main thread, while there is no other that prints.
 * Memory: none.
 * Errors: no pager can be started: pager_start() says so on stderr, and what is printed goes to the terminal.
 */
#ifndef AUDITTRAIL_CLI_PAGER_H
#define AUDITTRAIL_CLI_PAGER_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct pager {
    pid_t            pid;       /* 0: there is none. */
    int              stdout_fd; /* The terminal, to be put back. */
    struct sigaction old_pipe;
    struct sigaction old_interrupt;
    struct sigaction old_quit;
};

/* `command` is named in front of a message. Leaves *pager without a pid when there is no pager. */
void pager_start(struct pager *pager, const char *command);

/* Nobody reads what is written from here on. */
bool pager_has_quit(const struct pager *pager);

/* Wait until the reader has seen enough, and give standard output back. Without a pager nothing happens. */
void pager_end(struct pager *pager);

#endif
