/* exit_codes.h -- what a script learns from the command without reading a word of its output.
 *
 * The numbers are part of the interface: never renumbered, never reused. The one table feeds the enum and the help.
 *
 * Thread: any.
 * Memory: none.
 * Errors: none.
 */
#ifndef AUDITTRAIL_CLI_EXIT_CODES_H
#define AUDITTRAIL_CLI_EXIT_CODES_H

/* Symbol, number, meaning. Three is left free for a check of stored records. */
#define EXIT_CODE_MAP(X)                                                                      \
    X(EXIT_CODE_OK, 0, "done")                                                                \
    X(EXIT_CODE_FAILURE, 1, "it failed, or some of the input was in error; stderr says what") \
    X(EXIT_CODE_USAGE, 2, "the command line or a setting is not valid")                       \
    X(EXIT_CODE_NO_MATCH, 4, "nothing matches")                                               \
    X(EXIT_CODE_UNREACHABLE, 5, "the store cannot be reached; accepted events are safe in the spool")

enum exit_code {
#define EXIT_CODE_ENUM(symbol, number, meaning) symbol = number,
    EXIT_CODE_MAP(EXIT_CODE_ENUM)
#undef EXIT_CODE_ENUM
};

#endif
