/* Errors in the user's input or in the world, as values.
 *
 * A function that can fail returns false (or NULL, or −1) and fills the struct error its caller
 * gave it. Bugs are asserted, never reported this way. Only the command line turns an error into an
 * exit status. */
#ifndef LLMSIM_ERROR_H
#define LLMSIM_ERROR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Where in the user's input something stands. A line or column of 0 is unknown and not printed. */
struct location {
    const char *file; /* as the user would name it; not owned */
    int64_t line;     /* from 1 */
    int column;       /* from 1 */
};

/* The values are the process's exit statuses. */
enum error_kind {
    ERROR_NONE = 0,
    ERROR_RUN = 1,   /* the run failed: I/O, out of memory */
    ERROR_INPUT = 2, /* the input is wrong */
};

struct error {
    enum error_kind kind;
    char text[1024]; /* one line, without newline; cut when longer */
};

/* Record wrong input found at `at` (NULL: nowhere in particular). Always returns false, so that a
 * caller can `return error_input(...)`. A newline or control character in the result becomes '?'.
 */
bool error_input(struct error *error, const struct location *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Record a failure of the run: a file that cannot be written, memory that cannot be had. Always
 * returns false. */
bool error_run(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Who hears of input that is not wrong but not heeded either: one line, without newline. */
struct warn_listener {
    void (*hear)(void *context, const char *text);
    void *context;
};

/* Append " (did you mean 'x'?)" for the name nearest to `given` among `count` names (NULLs are
 * passed over), when one is near enough to be a slip of the keyboard; otherwise the list of names
 * when it is short enough to help. */
void error_suggest(struct error *error, const char *given, const char *const *names, size_t count);

#endif
