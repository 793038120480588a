/* Decimal numbers as times. By hand and in whole numbers: a double holds no more than 15 places,
 * and strtod would take most of the time of reading a trace. */
#include "trace_format.h"

/* 10^k; the last that fits. Digits are taken as long as they are below the one before it. */
static const uint64_t powers_of_ten[] = {1U,
                                         10U,
                                         100U,
                                         1000U,
                                         10000U,
                                         100000U,
                                         1000000U,
                                         10000000U,
                                         100000000U,
                                         1000000000U,
                                         10000000000U,
                                         100000000000U,
                                         1000000000000U,
                                         10000000000000U,
                                         100000000000000U,
                                         1000000000000000U,
                                         10000000000000000U,
                                         100000000000000000U,
                                         1000000000000000000U,
                                         10000000000000000000U};

enum {
    POWERS = sizeof powers_of_ten / sizeof *powers_of_ten,
    ROOM_POWER = POWERS - 2,
    EXPONENT_MAX = 100000000, /* more than a line has digits; beyond it more makes no difference */
};

/* digits · 10^exponent, and what was cut off behind the digits. */
struct decimal {
    uint64_t digits;
    int exponent;
    bool cut;
    bool cut_half; /* half or more of the last digit's unit */
};

/* Take the digits from c on; the first byte behind them. */
static const char *take_digits(const char *c, const char *end, bool fraction,
                               struct decimal *decimal)
{
    for (; c < end && trace_is_digit(*c); c++) {
        const unsigned digit = (unsigned)(*c - '0');
        if (decimal->digits < powers_of_ten[ROOM_POWER]) {
            decimal->digits = 10 * decimal->digits + digit;
            decimal->exponent -= fraction ? 1 : 0;
        } else {
            decimal->cut_half |= !decimal->cut && digit >= 5;
            decimal->cut = true;
            decimal->exponent += fraction ? 0 : 1;
        }
    }
    return c;
}

/* "e-05", or nothing; NULL: an exponent without a digit. */
static const char *take_exponent(const char *c, const char *end, struct decimal *decimal)
{
    if (c == end || (*c != 'e' && *c != 'E'))
        return c;
    c++;
    const bool negative = c < end && *c == '-';
    if (c < end && (*c == '-' || *c == '+'))
        c++;
    const char *digits = c;
    int exponent = 0;
    for (; c < end && trace_is_digit(*c); c++) {
        if (exponent < EXPONENT_MAX)
            exponent = 10 * exponent + (*c - '0');
    }
    decimal->exponent += negative ? -exponent : exponent;
    return c > digits ? c : NULL;
}

/* The nearest whole number of nanoseconds; UINT64_MAX: beyond the limit. */
static uint64_t to_ns(const struct decimal *decimal, int ns_exponent)
{
    const int shift = decimal->exponent + ns_exponent;
    if (decimal->digits == 0 || shift <= -POWERS)
        return 0;
    if (shift < 0) {
        const uint64_t divisor = powers_of_ten[-shift];
        return (decimal->digits + divisor / 2) / divisor;
    }
    if (shift >= POWERS || decimal->digits > (uint64_t)TRACE_TIME_MAX_NS / powers_of_ten[shift])
        return UINT64_MAX;
    /* So many digits that some were cut fit the limit only where they are nanoseconds. */
    return decimal->digits * powers_of_ten[shift] + (decimal->cut_half ? 1 : 0);
}

const char *trace_parse_time(const char *text, const char *end, int ns_exponent, int64_t *time_ns)
{
    struct decimal decimal = {0};
    const char *c = take_digits(text, end, false, &decimal);
    if (c == text)
        return NULL;
    if (c < end && *c == '.') {
        const char *digits = c + 1;
        c = take_digits(digits, end, true, &decimal);
        if (c == digits)
            return NULL;
    }
    c = take_exponent(c, end, &decimal);
    const uint64_t ns = to_ns(&decimal, ns_exponent);
    if (c == NULL || ns > (uint64_t)TRACE_TIME_MAX_NS)
        return NULL;
    *time_ns = (int64_t)ns;
    return c;
}
