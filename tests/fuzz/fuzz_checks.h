/* What fuzzers have in common: a broken promise ends the program, as a finding. */
#ifndef LLMSIM_TESTS_FUZZ_CHECKS_H
#define LLMSIM_TESTS_FUZZ_CHECKS_H

#include <llmsim/error.h>
#include <stdlib.h>
#include <string.h>

static inline void require(bool condition)
{
    if (!condition)
        abort();
}

/* An error is one line that says something. */
static inline void require_error(const struct error *error)
{
    require(error->kind != ERROR_NONE && error->text[0] != '\0');
    require(strpbrk(error->text, "\n\r") == NULL);
}

static inline void require_input_error(const struct error *error)
{
    require_error(error);
    require(error->kind == ERROR_INPUT);
}

#endif
