/* Quantities with units: what is read, what is refused, and numbers that survive being printed. */
#include "unit.h"

#include "rng.h"
#include "units.h"
#include <math.h>

START_TEST(test_every_unit)
{
    const struct {
        enum unit unit;
        const char *text;
        double value;
    } cases[] = {
        {UNIT_NONE, "0.9", 0.9},
        {UNIT_NONE, "-3", -3.0},
        {UNIT_NONE, "+1.5e-3", 1.5e-3},
        {UNIT_NONE, ".5", 0.5},
        {UNIT_NONE, "5.", 5.0},
        {UNIT_SECONDS, "1.5", 1.5},
        {UNIT_SECONDS, "1.5 s", 1.5},
        {UNIT_SECONDS, "25ms", 25e-3},
        {UNIT_SECONDS, "50 us", 50e-6},
        {UNIT_SECONDS, "50 \xc2\xb5s", 50e-6},
        {UNIT_SECONDS, "50 \xce\xbcs", 50e-6},
        {UNIT_SECONDS, "7 ns", 7e-9},
        {UNIT_SECONDS, "2.38 us", 2.38e-6}, /* rounded once */
        {UNIT_SECONDS, "2 min", 120.0},
        {UNIT_SECONDS, "1\th", 3600.0},
        {UNIT_BYTES, "80 GiB", 80.0 * 1024 * 1024 * 1024},
        {UNIT_BYTES, "80 GB", 80e9},
        {UNIT_BYTES, "1 TiB", 1099511627776.0},
        {UNIT_BYTES, "512 KiB", 524288.0},
        {UNIT_BYTES, "3 MiB", 3145728.0},
        {UNIT_BYTES, "4 kB", 4000.0},
        {UNIT_BYTES, "4 bytes", 4.0},
        {UNIT_BYTES_PER_S, "2039 GB/s", 2039e9},
        {UNIT_BYTES_PER_S, "3.35 TB/s", 3.35e12},
        {UNIT_BYTES_PER_S, "1 GiB/s", 1073741824.0},
        {UNIT_FLOPS_PER_S, "312 TFLOP/s", 312e12},
        {UNIT_FLOPS_PER_S, "312 TFLOPS", 312e12},
        {UNIT_FLOPS_PER_S, "1 PFLOP/s", 1e15},
        {UNIT_PER_S, "8", 8.0},
        {UNIT_PER_S, "8/s", 8.0},
        {UNIT_PER_S, "8 1/s", 8.0},
        {UNIT_PER_S, "8 Hz", 8.0},
        {UNIT_PER_S, "8 requests/s", 8.0},
        {UNIT_PER_S, "120/min", 2.0},
        {UNIT_WATTS, "0.4 kW", 400.0},
        {UNIT_TOKENS, "8k", 8000.0},
        {UNIT_TOKENS, "2048 tokens", 2048.0},
        {UNIT_SECONDS_PER_TOKEN, "0.5 us", 0.5e-6},
        {UNIT_SECONDS_PER_TOKEN, "0.5 us/token", 0.5e-6},
        {UNIT_SECONDS_PER_TOKEN, "0.5 \xc2\xb5s", 0.5e-6},
        {UNIT_SECONDS_PER_TOKEN, "0.5 \xce\xbcs/token", 0.5e-6},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        double value = -1.0;
        ck_assert_msg(units_parse(cases[i].text, cases[i].unit, &value) == UNITS_OK &&
                          value == cases[i].value,
                      "'%s' was read as %.17g", cases[i].text, value);
    }
}
END_TEST

START_TEST(test_wrong_unit)
{
    const struct {
        enum unit unit;
        const char *text;
    } cases[] = {
        {UNIT_NONE, "0.9 s"},         {UNIT_NONE, "90 %"},
        {UNIT_SECONDS, "5 GB"},       {UNIT_SECONDS, "5 S"},
        {UNIT_SECONDS, "5 ms/token"}, {UNIT_BYTES, "80 GB/s"},
        {UNIT_BYTES, "80 Gib"},       {UNIT_BYTES, "80 G"},
        {UNIT_BYTES_PER_S, "80 GB"},  {UNIT_FLOPS_PER_S, "312 TFLOP"},
        {UNIT_FLOPS_PER_S, "312 T"},  {UNIT_PER_S, "8 s"},
        {UNIT_WATTS, "400 J"},        {UNIT_TOKENS, "8 KiB"},
        {UNIT_SECONDS, "1 s 2 ms"},   {UNIT_SECONDS, "1 s "},
        {UNIT_SECONDS, "1 2"},        {UNIT_NONE, "1e"},
        {UNIT_NONE, "1,5"},           {UNIT_NONE, "0x10"},
        {UNIT_NONE, "1_000"},         {UNIT_SECONDS, "1\ns"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        double value = -1.0;
        ck_assert_msg(units_parse(cases[i].text, cases[i].unit, &value) == UNITS_WRONG_UNIT,
                      "'%s' passed", cases[i].text);
        ck_assert_double_eq(value, -1.0);
    }
}
END_TEST

START_TEST(test_no_number)
{
    static const char *const cases[] = {"",    " ",     " 1",       "s",   "auto",    "inf", "-inf",
                                        "nan", "NaN",   "infinity", "-",   "+",       ".",   "e5",
                                        "-.",  "1e999", "--1",      "+-1", "\xd9\xa1"};
    for (size_t i = 0; i < COUNT(cases); i++) {
        double value = -1.0;
        ck_assert_msg(units_parse(cases[i], UNIT_SECONDS, &value) == UNITS_NOT_A_NUMBER,
                      "'%s' passed", cases[i]);
        ck_assert_double_eq(value, -1.0);
    }
    double value = 0.0;
    ck_assert_int_eq(units_parse("1e308 PB", UNIT_BYTES, &value), UNITS_NOT_A_NUMBER);
}
END_TEST

/* Messages quote them, so they must be true. */
START_TEST(test_examples)
{
    for (int unit = 0; unit < UNIT_COUNT; unit++) {
        double value = 0.0;
        char text[64];
        ck_assert_int_eq(units_parse(units_example((enum unit)unit), (enum unit)unit, &value),
                         UNITS_OK);
        snprintf(text, sizeof text, "2 %s", units_symbol((enum unit)unit));
        if (unit == UNIT_NONE)
            text[1] = '\0';
        ck_assert_int_eq(units_parse(text, (enum unit)unit, &value), UNITS_OK);
        ck_assert_double_eq(value, 2.0);
    }
}
END_TEST

static void assert_exact(double value)
{
    char text[32];
    units_format_exact(value, text);
    double read = -1.0;
    ck_assert_int_eq(units_parse(text, UNIT_NONE, &read), UNITS_OK);
    ck_assert_msg(memcmp(&read, &value, sizeof value) == 0, "%.17g became '%s'", value, text);
}

START_TEST(test_format_exact)
{
    char text[32];
    units_format_exact(0.1, text);
    ck_assert_str_eq(text, "0.1");
    units_format_exact(2039e9, text);
    ck_assert_str_eq(text, "2039000000000");
    units_format_exact(0.1 + 0.2, text);
    ck_assert_str_eq(text, "0.30000000000000004");
    const double edges[] = {
        0.0,       -0.0,      1.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308,
        1.0 / 3.0, 0x1p53 + 2};
    for (size_t i = 0; i < COUNT(edges); i++)
        assert_exact(edges[i]);
    gsl_rng *rng = rng_create(1, "test");
    for (int i = 0; i < 10000; i++)
        assert_exact(ldexp(gsl_rng_uniform(rng) - 0.5, (int)gsl_rng_uniform_int(rng, 400) - 200));
    gsl_rng_free(rng);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_every_unit, test_wrong_unit, test_no_number, test_examples,
                                  test_format_exact};
    return unit_run("units", tests, COUNT(tests));
}
