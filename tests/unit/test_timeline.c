/* The timeline: levels and counts by interval, and intervals that grow. */
#include "unit.h"

#include "timeline.h"
#include <llmsim/sim_time.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER                                                                                     \
    "time_s,duration_s,arrivals,completed,running,waiting,kv_use,prompt_tokens_per_s,"             \
    "output_tokens_per_s\n"

static const double kv_blocks = 100.0;

static int64_t ns(double seconds)
{
    return (int64_t)llround(seconds * 1e9);
}

static void add_request(struct timeline *timeline, double arrival_s, double scheduled_s,
                        double finished_s)
{
    const struct request_outcome outcome = {.arrival_ns = ns(arrival_s),
                                            .scheduled_ns = ns(scheduled_s),
                                            .finished_ns = ns(finished_s)};
    timeline_outcome(timeline, &outcome);
}

/* What is to be seen in three seconds, the last of them half. */
static void fill(struct timeline *timeline)
{
    add_request(timeline, 0.5, 1.0, 1.5);
    const struct step_report step = {.start_ns = ns(1.0),
                                     .end_ns = ns(2.0),
                                     .preempted = 1,
                                     .kv_blocks_used = 50,
                                     .prompt_tokens = 10,
                                     .output_tokens = 4};
    timeline_step(timeline, &step);
    add_request(timeline, 0.0, 0.25, 2.5);
}

/* The CSV, which the caller frees. */
static char *write_all(const struct timeline *timeline, FILE *stream, char *const *text)
{
    timeline_write(timeline, stream);
    fclose(stream);
    return *text;
}

START_TEST(shows_levels_and_counts)
{
    char *text = NULL;
    size_t length = 0;
    struct timeline timeline;
    FILE *stream = open_memstream(&text, &length);
    ck_assert(timeline_init(&timeline, kv_blocks, SIM_NS_PER_S));
    fill(&timeline);
    write_all(&timeline, stream, &text);
    ck_assert_str_eq(text, HEADER "0,1,2,0,0.750,0.750,0.00000,0.0,0.0\n"
                                  "1,1,0,1,0.500,1.000,0.50000,10.0,4.0\n"
                                  "2,0.5,0,1,1.000,0.000,0.00000,0.0,0.0\n");
    timeline_fini(&timeline);
    free(text);
}
END_TEST

START_TEST(shows_a_rejected_request_as_an_arrival)
{
    char *text = NULL;
    size_t length = 0;
    struct timeline timeline;
    FILE *stream = open_memstream(&text, &length);
    ck_assert(timeline_init(&timeline, kv_blocks, SIM_NS_PER_S));
    const struct request_outcome rejected = {.arrival_ns = 0,
                                             .scheduled_ns = -1,
                                             .first_token_ns = -1,
                                             .finished_ns = -1,
                                             .status = REQUEST_REJECTED};
    timeline_outcome(&timeline, &rejected);
    write_all(&timeline, stream, &text);
    ck_assert_str_eq(text, HEADER "0,0,1,0,0.000,0.000,0.00000,0.0,0.0\n");
    timeline_fini(&timeline);
    free(text);
}
END_TEST

static int64_t rows_of(const char *text)
{
    int64_t rows = -1;
    for (; *text != '\0'; text++)
        rows += *text == '\n';
    return rows;
}

/* A last request so late that a row is 2, 4 and, in the end, as many seconds as there are. */
START_TEST(joins_rows)
{
    static const struct {
        double end_s;
        const char *first_row;
        int64_t rows;
    } cases[] = {
        {9999.5, "0,1,2,0,0.750,0.750,0.00000,0.0,0.0\n", 10000},
        {10001.0, "0,2,2,1,0.625,0.875,0.25000,5.0,2.0\n", 5001},
        {39999.5, "0,4,2,2,0.438,0.438,0.12500,2.5,1.0\n", 10000},
        {4e9, "0,524288,2,2,", 7630},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *text = NULL;
        size_t length = 0;
        struct timeline timeline;
        FILE *stream = open_memstream(&text, &length);
        ck_assert(timeline_init(&timeline, kv_blocks, SIM_NS_PER_S));
        fill(&timeline);
        const double last_s = cases[i].end_s;
        add_request(&timeline, last_s - 0.5, last_s - 0.5, last_s);
        write_all(&timeline, stream, &text);
        const char *first_row = text + strlen(HEADER);
        ck_assert_msg(strncmp(first_row, cases[i].first_row, strlen(cases[i].first_row)) == 0,
                      "%g s: %.60s", last_s, first_row);
        ck_assert_int_eq(rows_of(text), cases[i].rows);
        timeline_fini(&timeline);
        free(text);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {shows_levels_and_counts, shows_a_rejected_request_as_an_arrival,
                                  joins_rows};
    return unit_run("timeline", tests, COUNT(tests));
}
