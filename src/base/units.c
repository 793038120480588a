#include "units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One of it is multiply / divide base units. One of the two is 1, so that a value is rounded once:
 * 2.38 us is 2.38e-06 s. */
struct symbol {
    const char *text;
    double multiply, divide;
};

/* clang-format off */
#define UP(text, multiply)  {text, multiply, 1.0}
#define DOWN(text, divide)  {text, 1.0, divide}
#define END                 {NULL, 1.0, 1.0}

#define KIBI 1024.0
#define BYTES(suffix)                                                                              \
    UP("B" suffix, 1.0), UP("kB" suffix, 1e3), UP("KB" suffix, 1e3), UP("MB" suffix, 1e6),          \
    UP("GB" suffix, 1e9), UP("TB" suffix, 1e12), UP("PB" suffix, 1e15), UP("KiB" suffix, KIBI),     \
    UP("MiB" suffix, KIBI * KIBI), UP("GiB" suffix, KIBI * KIBI * KIBI),                            \
    UP("TiB" suffix, KIBI * KIBI * KIBI * KIBI), UP("bytes" suffix, 1.0)
#define FLOPS(suffix)                                                                              \
    UP("FLOP" suffix, 1.0), UP("MFLOP" suffix, 1e6), UP("GFLOP" suffix, 1e9),                       \
    UP("TFLOP" suffix, 1e12), UP("PFLOP" suffix, 1e15)
/* Both micro sign and Greek mu. */
#define SECONDS(suffix)                                                                            \
    UP("s" suffix, 1.0), DOWN("ms" suffix, 1e3), DOWN("us" suffix, 1e6),                            \
    DOWN("\u00b5s" suffix, 1e6), DOWN("\u03bcs" suffix, 1e6), DOWN("ns" suffix, 1e9)

static const struct symbol second_symbols[] = {SECONDS(""), UP("min", 60.0), UP("h", 3600.0), END};
static const struct symbol byte_symbols[] = {BYTES(""), END};
static const struct symbol byte_rate_symbols[] = {BYTES("/s"), END};
static const struct symbol flop_rate_symbols[] = {FLOPS("/s"), FLOPS("S"), END};
static const struct symbol rate_symbols[] = {
    UP("/s", 1.0), UP("1/s", 1.0), UP("Hz", 1.0), UP("requests/s", 1.0), UP("req/s", 1.0),
    DOWN("/min", 60.0), DOWN("1/min", 60.0), DOWN("/h", 3600.0), DOWN("1/h", 3600.0), END};
static const struct symbol watt_symbols[] = {UP("W", 1.0), UP("kW", 1e3), END};
static const struct symbol token_symbols[] = {
    UP("tokens", 1.0), UP("token", 1.0), UP("k", 1e3), UP("K", 1e3), END};
static const struct symbol token_time_symbols[] = {SECONDS(""), SECONDS("/token"), END};
static const struct symbol no_symbols[] = {END};

static const struct {
    const char *base;
    const char *example;
    const struct symbol *symbols;
} units[UNIT_COUNT] = {
    [UNIT_NONE] = {"", "0.9", no_symbols},
    [UNIT_SECONDS] = {"s", "50 ms", second_symbols},
    [UNIT_BYTES] = {"bytes", "80 GiB", byte_symbols},
    [UNIT_BYTES_PER_S] = {"bytes/s", "2039 GB/s", byte_rate_symbols},
    [UNIT_FLOPS_PER_S] = {"FLOP/s", "312 TFLOP/s", flop_rate_symbols},
    [UNIT_PER_S] = {"/s", "8", rate_symbols},
    [UNIT_WATTS] = {"W", "400 W", watt_symbols},
    [UNIT_TOKENS] = {"tokens", "2048", token_symbols},
    [UNIT_SECONDS_PER_TOKEN] = {"s/token", "0.5 us", token_time_symbols},
};
/* clang-format on */

const char *units_symbol(enum unit unit)
{
    return units[unit].base;
}

const char *units_example(enum unit unit)
{
    return units[unit].example;
}

/* The end of a decimal number at `text`, or NULL: digits, a point, an exponent, nothing else. */
static const char *end_of_number(const char *text)
{
    const char *c = text;
    if (*c == '+' || *c == '-')
        c++;
    size_t whole = strspn(c, "0123456789");
    c += whole;
    size_t fraction = 0;
    if (*c == '.') {
        fraction = strspn(c + 1, "0123456789");
        c += 1 + fraction;
    }
    if (whole + fraction == 0)
        return NULL;
    if (*c == 'e' || *c == 'E') {
        const char *exponent = c + 1;
        if (*exponent == '+' || *exponent == '-')
            exponent++;
        size_t digits = strspn(exponent, "0123456789");
        if (digits > 0)
            c = exponent + digits;
    }
    return c;
}

/* The program never leaves the "C" locale, so strtod reads a point. */
enum units_result units_parse(const char *text, enum unit unit, double *value)
{
    const char *end = end_of_number(text);
    if (end == NULL)
        return UNITS_NOT_A_NUMBER;
    double number = strtod(text, NULL);
    if (!isfinite(number))
        return UNITS_NOT_A_NUMBER;
    const char *symbol = end + strspn(end, " \t");
    if (*symbol == '\0') {
        *value = number;
        return UNITS_OK;
    }
    for (const struct symbol *known = units[unit].symbols; known->text != NULL; known++) {
        if (strcmp(symbol, known->text) == 0) {
            *value = number * known->multiply / known->divide;
            return isfinite(*value) ? UNITS_OK : UNITS_NOT_A_NUMBER;
        }
    }
    return UNITS_WRONG_UNIT;
}

void units_format_exact(double value, char text[32])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            return;
    }
}
