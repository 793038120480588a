#include "units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct symbol {
    const char *text;
    double scale; /* base units in one of it */
};

#define KIBI 1024.0
#define BYTE_SYMBOLS(suffix)                                                                       \
    {"B" suffix, 1.0}, {"kB" suffix, 1e3}, {"KB" suffix, 1e3}, {"MB" suffix, 1e6},                 \
        {"GB" suffix, 1e9}, {"TB" suffix, 1e12}, {"PB" suffix, 1e15}, {"KiB" suffix, KIBI},        \
        {"MiB" suffix, KIBI * KIBI}, {"GiB" suffix, KIBI * KIBI * KIBI},                           \
    {                                                                                              \
        "TiB" suffix, KIBI *KIBI *KIBI *KIBI                                                       \
    }
#define FLOP_SYMBOLS(suffix)                                                                       \
    {"FLOP" suffix, 1.0}, {"MFLOP" suffix, 1e6}, {"GFLOP" suffix, 1e9}, {"TFLOP" suffix, 1e12},    \
    {                                                                                              \
        "PFLOP" suffix, 1e15                                                                       \
    }

/* clang-format off */
static const struct symbol second_symbols[] = {
    {"s", 1.0}, {"ms", 1e-3}, {"us", 1e-6}, {"\u00b5s", 1e-6}, {"\u03bcs", 1e-6}, {"ns", 1e-9},
    {"min", 60.0}, {"h", 3600.0}, {NULL, 0.0}};
static const struct symbol byte_symbols[] = {BYTE_SYMBOLS(""), {"bytes", 1.0}, {NULL, 0.0}};
static const struct symbol byte_rate_symbols[] = {BYTE_SYMBOLS("/s"), {"bytes/s", 1.0}, {NULL, 0.0}};
static const struct symbol flop_rate_symbols[] = {FLOP_SYMBOLS("/s"), FLOP_SYMBOLS("S"), {NULL, 0.0}};
static const struct symbol rate_symbols[] = {
    {"/s", 1.0}, {"1/s", 1.0}, {"Hz", 1.0}, {"requests/s", 1.0}, {"req/s", 1.0},
    {"/min", 1.0 / 60.0}, {"1/min", 1.0 / 60.0}, {"/h", 1.0 / 3600.0}, {"1/h", 1.0 / 3600.0},
    {NULL, 0.0}};
static const struct symbol watt_symbols[] = {{"W", 1.0}, {"kW", 1e3}, {NULL, 0.0}};
static const struct symbol token_symbols[] = {
    {"tokens", 1.0}, {"token", 1.0}, {"k", 1e3}, {"K", 1e3}, {NULL, 0.0}};
static const struct symbol token_time_symbols[] = {
    {"s", 1.0}, {"ms", 1e-3}, {"us", 1e-6}, {"\u00b5s", 1e-6}, {"\u03bcs", 1e-6}, {"ns", 1e-9},
    {"s/token", 1.0}, {"ms/token", 1e-3}, {"us/token", 1e-6}, {"\u00b5s/token", 1e-6},
    {"\u03bcs/token", 1e-6}, {"ns/token", 1e-9}, {NULL, 0.0}};
static const struct symbol no_symbols[] = {{NULL, 0.0}};

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
            *value = number * known->scale;
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
