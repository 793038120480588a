/* What fuzzers have in common: a broken promise ends the program, as a finding. */
#ifndef LLMSIM_TESTS_FUZZ_CHECKS_H
#define LLMSIM_TESTS_FUZZ_CHECKS_H

#include <llmsim/error.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

enum { FUZZ_PATH_BYTES = 32 };

/* The bytes as a file: its path, and its descriptor to be closed. */
static inline int open_bytes(const void *bytes, size_t size, char path[FUZZ_PATH_BYTES])
{
    int descriptor = memfd_create("fuzzed", MFD_CLOEXEC);
    require(descriptor >= 0);
    require(write(descriptor, bytes, size) == (ssize_t)size);
    snprintf(path, FUZZ_PATH_BYTES, "/proc/self/fd/%d", descriptor);
    return descriptor;
}

#endif
