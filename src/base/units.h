/* Quantities with units, as people write them: "80 GiB", "2039 GB/s", "312 TFLOP/s", "50 us". */
#ifndef LLMSIM_BASE_UNITS_H
#define LLMSIM_BASE_UNITS_H

#include <stdbool.h>

#define UNITS_GIB (1024.0 * 1024.0 * 1024.0)

enum unit {
    UNIT_NONE,              /* a plain number */
    UNIT_SECONDS,           /* s, ms, us, µs, ns, min, h */
    UNIT_BYTES,             /* B, kB, MB, … (powers of 1000), KiB, MiB, … (powers of 1024) */
    UNIT_BYTES_PER_S,       /* any of those a second: "GB/s" */
    UNIT_FLOPS_PER_S,       /* FLOP/s, GFLOP/s, TFLOP/s, PFLOP/s; also FLOPS, TFLOPS, … */
    UNIT_PER_S,             /* 1/s, /s, Hz, and 1/min, 1/h */
    UNIT_WATTS,             /* W, kW */
    UNIT_TOKENS,            /* tokens, k, K (1000) */
    UNIT_SECONDS_PER_TOKEN, /* as seconds, optionally followed by "/token" */
    UNIT_COUNT
};

enum units_result { UNITS_OK, UNITS_NOT_A_NUMBER, UNITS_WRONG_UNIT };

/* Read "number[ ]unit" or a plain number (in the base unit) into *value, in the base unit.
 * Infinities, NaN, hexadecimal and trailing text are refused. Independent of the locale. */
enum units_result units_parse(const char *text, enum unit unit, double *value);

/* The base unit's symbol ("bytes/s"; "" for UNIT_NONE), and an example for messages ("2039 GB/s").
 */
const char *units_symbol(enum unit unit);
const char *units_example(enum unit unit);

/* The shortest decimal text that reads back as exactly `value`, into text[32]. */
void units_format_exact(double value, char text[32]);

#endif
