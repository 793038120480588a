/* The cohort's sums against a plain list of sequences, through random joins, leaves and steps. */
#include "unit.h"

#include "cohort.h"
#include "rng.h"

enum { CAPACITY = 40, OPERATIONS = 20000 };

/* What the cohort stands for: sequence i of the list is a member while steps_left > 0. */
struct naive {
    int32_t context_tokens[CAPACITY];
    int32_t steps_left[CAPACITY];
};

struct pair {
    struct cohort cohort;
    struct sequence sequences[CAPACITY];
    struct naive naive;
    int32_t block_size;
    int32_t window; /* 0: none */
};

static bool agree(struct pair *pair, bool ask_for_max)
{
    int32_t count = 0, max = 0, blocks = 0;
    int64_t sum = 0, window_sum = 0;
    for (int i = 0; i < CAPACITY; i++) {
        if (pair->naive.steps_left[i] == 0)
            continue;
        int32_t context = pair->naive.context_tokens[i];
        count++;
        sum += context;
        window_sum += context < pair->window ? context : pair->window;
        max = context > max ? context : max;
        bool at_boundary = context % pair->block_size == 0;
        blocks += at_boundary;
        if (cohort_is_at_boundary(&pair->cohort, i) != at_boundary)
            return false;
    }
    return pair->cohort.count == count && pair->cohort.context_sum == sum &&
           pair->cohort.window_sum == window_sum && cohort_blocks_needed(&pair->cohort) == blocks &&
           (!ask_for_max || cohort_context_max(&pair->cohort) == max);
}

static bool join_or_leave(struct pair *pair, gsl_rng *rng)
{
    int32_t sequence = (int32_t)gsl_rng_uniform_int(rng, CAPACITY);
    int32_t *context_tokens = &pair->naive.context_tokens[sequence];
    int32_t *steps_left = &pair->naive.steps_left[sequence];
    if (*steps_left > 0) {
        *steps_left = 0;
        return cohort_leave(&pair->cohort, sequence) == *context_tokens;
    }
    *context_tokens = (int32_t)gsl_rng_uniform_int(rng, 100);
    *steps_left = 1 + (int32_t)gsl_rng_uniform_int(rng, 30);
    cohort_join(&pair->cohort, sequence, *context_tokens, *steps_left);
    return true;
}

/* A step; those who finish leave, the lower number first. */
static bool advance(struct pair *pair)
{
    cohort_advance(&pair->cohort);
    bool right = true;
    int32_t context = 0;
    for (int i = 0; i < CAPACITY; i++) {
        if (pair->naive.steps_left[i] == 0)
            continue;
        pair->naive.context_tokens[i]++;
        if (--pair->naive.steps_left[i] == 0)
            right &= cohort_pop_finished(&pair->cohort, &context) == i &&
                     context == pair->naive.context_tokens[i];
    }
    return right && cohort_pop_finished(&pair->cohort, &context) == -1;
}

static void run(int32_t block_size, int32_t window, uint64_t seed, unsigned long advances_of_10)
{
    static struct pair pair;
    memset(&pair, 0, sizeof pair);
    pair.block_size = block_size;
    pair.window = window;
    gsl_rng *rng = rng_create(seed, "test");
    ck_assert(cohort_init(&pair.cohort, pair.sequences, CAPACITY, block_size, window));
    int right = 0;
    while (right < OPERATIONS) {
        bool advances = gsl_rng_uniform_int(rng, 10) < advances_of_10;
        bool done = advances ? advance(&pair) : join_or_leave(&pair, rng);
        if (!done || !agree(&pair, gsl_rng_uniform_int(rng, 4) == 0))
            break;
        right++;
    }
    ck_assert_msg(right == OPERATIONS,
                  "block size %d, window %d, seed %d: wrong after %d operations", block_size,
                  window, (int)seed, right);
    cohort_fini(&pair.cohort);
    gsl_rng_free(rng);
}

START_TEST(test_against_a_list)
{
    const int32_t block_sizes[] = {1, 2, 3, 16, 100, 1000};
    for (size_t i = 0; i < COUNT(block_sizes); i++) {
        run(block_sizes[i], 0, 1, 1);
        run(block_sizes[i], 0, 2, 5);
        run(block_sizes[i], 0, 3, 9);
    }
}
END_TEST

/* Below any context, within them, and beyond. */
START_TEST(test_windows_against_a_list)
{
    const int32_t windows[] = {1, 2, 7, 50, 99, 1000};
    for (size_t i = 0; i < COUNT(windows); i++) {
        run(16, windows[i], 1, 1);
        run(16, windows[i], 2, 5);
        run(16, windows[i], 3, 9);
    }
}
END_TEST

START_TEST(test_empty)
{
    struct cohort cohort;
    struct sequence sequences[1] = {0};
    int32_t context = 0;
    ck_assert(cohort_init(&cohort, sequences, 1, 16, 0));
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(cohort_blocks_needed(&cohort), 0);
        ck_assert_int_eq(cohort_context_max(&cohort), 0);
        ck_assert_int_eq(cohort_pop_finished(&cohort, &context), -1);
        cohort_advance(&cohort);
    }
    cohort_join(&cohort, 0, 16, 1);
    ck_assert_int_eq(cohort_blocks_needed(&cohort), 1);
    ck_assert_int_eq(cohort_context_max(&cohort), 16);
    ck_assert_int_eq(cohort_pop_finished(&cohort, &context), -1);
    cohort_advance(&cohort);
    ck_assert_int_eq(cohort_pop_finished(&cohort, &context), 0);
    ck_assert_int_eq(context, 17);
    ck_assert_int_eq(cohort.context_sum, 0);
    ck_assert_int_eq(cohort_context_max(&cohort), 0);
    cohort_fini(&cohort);
}
END_TEST

/* All finish in one step: in the order of their numbers, whatever the order of joining. */
START_TEST(test_ties)
{
    struct cohort cohort;
    struct sequence sequences[CAPACITY] = {0};
    ck_assert(cohort_init(&cohort, sequences, CAPACITY, 16, 0));
    for (int i = 0; i < CAPACITY; i++)
        cohort_join(&cohort, i * 7 % CAPACITY, i, 3);
    for (int i = 0; i < 3; i++)
        cohort_advance(&cohort);
    int32_t context = 0;
    for (int i = 0; i < CAPACITY; i++)
        ck_assert_int_eq(cohort_pop_finished(&cohort, &context), i);
    ck_assert_int_eq(cohort_pop_finished(&cohort, &context), -1);
    cohort_fini(&cohort);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_against_a_list, test_windows_against_a_list, test_empty,
                                  test_ties};
    return unit_run("cohort", tests, COUNT(tests));
}
