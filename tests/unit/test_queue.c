/* The waiting queue in every order against a plain list, and the Virtual Token Counter against
 * counters that are raised token by token; through random arrivals, admissions, steps and
 * preemptions. */
#include "unit.h"

#include "orders.h"
#include "queue.h"
#include "rng.h"

enum { CAPACITY = 120, CLIENTS = 50, OPERATIONS = 20000 };

enum stage { STAGE_ABSENT, STAGE_WAITING, STAGE_RUNNING, STAGE_DECODING };

/* What the queue stands for. */
struct naive {
    enum stage stages[CAPACITY];
    int64_t keys[CAPACITY];
    int clients[CAPACITY];
    bool admitted[CAPACITY]; /* before */
    int64_t counters[CLIENTS];
    int64_t appearances[CLIENTS]; /* of its first request; 0: none yet */
    int last_taken;
};

struct pair {
    struct queue queue;
    struct sequence sequences[CAPACITY];
    struct naive naive;
    int64_t steps, request_id, arrival_ns;
};

static bool is_waiting(const struct naive *naive, int client)
{
    for (int i = 0; i < CAPACITY; i++) {
        if (naive->stages[i] == STAGE_WAITING && naive->clients[i] == client)
            return true;
    }
    return false;
}

/* Among those who wait, the one served least, the first to have appeared of several; −1: nobody
 * waits. */
static int least_served(const struct naive *naive)
{
    int least = -1;
    for (int i = 0; i < CLIENTS; i++) {
        if (is_waiting(naive, i) && (least < 0 || naive->counters[i] < naive->counters[least] ||
                                     (naive->counters[i] == naive->counters[least] &&
                                      naive->appearances[i] < naive->appearances[least])))
            least = i;
    }
    return least;
}

static int find_head(const struct pair *pair)
{
    const struct naive *naive = &pair->naive;
    int head = -1, client = pair->queue.order->fair ? least_served(naive) : -1;
    for (int i = 0; i < CAPACITY; i++) {
        if (naive->stages[i] != STAGE_WAITING || (client >= 0 && naive->clients[i] != client))
            continue;
        bool before = head < 0 || (naive->keys[i] != naive->keys[head]
                                       ? naive->keys[i] < naive->keys[head]
                                       : pair->sequences[i].outcome.request_id <
                                             pair->sequences[head].outcome.request_id);
        head = before ? i : head;
    }
    return head;
}

static bool agree(struct pair *pair)
{
    int count = 0;
    int64_t oldest_ns = INT64_MAX;
    for (int i = 0; i < CAPACITY; i++) {
        int64_t arrival_ns = pair->sequences[i].outcome.arrival_ns;
        if (pair->naive.stages[i] != STAGE_WAITING)
            continue;
        count++;
        oldest_ns = arrival_ns < oldest_ns ? arrival_ns : oldest_ns;
    }
    return pair->queue.count == count && queue_head(&pair->queue) == find_head(pair) &&
           (count == 0 || queue_oldest_arrival_ns(&pair->queue) == oldest_ns);
}

/* Idleness earns no credit. */
static void lift(struct naive *naive, int client)
{
    int level_of = least_served(naive);
    if (is_waiting(naive, client))
        return;
    level_of = level_of >= 0 ? level_of : naive->last_taken;
    if (level_of >= 0 && naive->counters[client] < naive->counters[level_of])
        naive->counters[client] = naive->counters[level_of];
}

static int64_t key_of(const struct queue_order *order, const struct request *request,
                      int32_t predicted_output_tokens)
{
    if (order == &order_priority)
        return request->priority;
    if (order == &order_sjf)
        return request->prompt_tokens;
    return order == &order_sjf_predicted ? predicted_output_tokens : 0;
}

static void arrive(struct pair *pair, gsl_rng *rng, int index)
{
    struct naive *naive = &pair->naive;
    int client = (int)gsl_rng_uniform_int(rng, 1 + gsl_rng_uniform_int(rng, CLIENTS));
    struct request request = {
        .arrival_ns = pair->arrival_ns += (int64_t)gsl_rng_uniform_int(rng, 3),
        .prompt_tokens = 1 + (int32_t)gsl_rng_uniform_int(rng, 20),
        .priority = (int32_t)gsl_rng_uniform_int(rng, 7) - 3,
        /* Some of them alike in their low bits, some in their high ones. */
        .client = client % 2 == 0 ? (uint64_t)client : (uint64_t)client << 56,
    };
    int32_t predicted_tokens = 1 + (int32_t)gsl_rng_uniform_int(rng, 20);
    pair->sequences[index] = (struct sequence){.outcome = {.request_id = pair->request_id++,
                                                           .arrival_ns = request.arrival_ns,
                                                           .prompt_tokens = request.prompt_tokens}};
    ck_assert(queue_push_new(&pair->queue, index, &request, predicted_tokens));
    if (naive->appearances[client] == 0)
        naive->appearances[client] = pair->request_id;
    lift(naive, client);
    naive->stages[index] = STAGE_WAITING;
    naive->admitted[index] = false;
    naive->clients[index] = client;
    naive->keys[index] = key_of(pair->queue.order, &request, predicted_tokens);
}

static void admit(struct pair *pair)
{
    struct naive *naive = &pair->naive;
    int head = find_head(pair);
    if (head < 0)
        return;
    queue_pop(&pair->queue, head);
    naive->stages[head] = STAGE_RUNNING;
    if (!is_waiting(naive, naive->clients[head]))
        naive->last_taken = naive->clients[head];
    if (naive->admitted[head])
        return;
    queue_note_admission(&pair->queue, &pair->sequences[head]);
    naive->counters[naive->clients[head]] += pair->sequences[head].outcome.prompt_tokens;
    naive->admitted[head] = true;
}

static void step(struct pair *pair)
{
    pair->steps++;
    for (int i = 0; i < CAPACITY; i++) {
        if (pair->naive.stages[i] == STAGE_DECODING)
            pair->naive.counters[pair->naive.clients[i]] += 2;
    }
}

/* A running sequence emits a token and decodes from then on, or is preempted, or ends. */
static void go_on(struct pair *pair, gsl_rng *rng, int index)
{
    struct naive *naive = &pair->naive;
    struct sequence *sequence = &pair->sequences[index];
    bool decodes = naive->stages[index] == STAGE_DECODING;
    if (decodes)
        queue_note_decoding(&pair->queue, sequence, -1);
    naive->stages[index] = STAGE_RUNNING;
    if (!decodes && gsl_rng_uniform_int(rng, 2) == 0) {
        queue_note_token(&pair->queue, sequence);
        queue_note_decoding(&pair->queue, sequence, 1);
        naive->counters[naive->clients[index]] += 2;
        naive->stages[index] = STAGE_DECODING;
    } else if (gsl_rng_uniform_int(rng, 3) == 0) {
        queue_push(&pair->queue, index);
        lift(naive, naive->clients[index]);
        naive->stages[index] = STAGE_WAITING;
    } else {
        naive->stages[index] = STAGE_ABSENT;
    }
}

static bool operate(struct pair *pair, gsl_rng *rng)
{
    int index = (int)gsl_rng_uniform_int(rng, CAPACITY);
    int other = (int)gsl_rng_uniform_int(rng, CAPACITY);
    struct naive *naive = &pair->naive;
    if (gsl_rng_uniform_int(rng, 4) == 0)
        step(pair);
    else if (gsl_rng_uniform_int(rng, 3) == 0)
        admit(pair);
    else if (naive->stages[index] == STAGE_ABSENT)
        arrive(pair, rng, index);
    else if (naive->stages[index] != STAGE_WAITING)
        go_on(pair, rng, index);
    int64_t later =
        pair->sequences[index].outcome.request_id - pair->sequences[other].outcome.request_id;
    bool after = naive->keys[index] != naive->keys[other] ? naive->keys[index] > naive->keys[other]
                                                          : later > 0;
    return agree(pair) && queue_is_after(&pair->queue, index, other) == after;
}

START_TEST(test_against_a_list)
{
    static struct pair pair;
    memset(&pair, 0, sizeof pair);
    pair.naive.last_taken = -1;
    const struct queue_order *order = queue_order_at((size_t)_i);
    gsl_rng *rng = rng_create(5, "test");
    ck_assert(queue_init(&pair.queue, order, &pair.steps));
    ck_assert(queue_reserve(&pair.queue, pair.sequences, CAPACITY));
    int right = 0;
    while (right < OPERATIONS && operate(&pair, rng))
        right++;
    ck_assert_msg(right == OPERATIONS, "order %s: wrong after %d operations", order->name, right);
    queue_fini(&pair.queue);
    gsl_rng_free(rng);
}
END_TEST

START_TEST(test_names)
{
    static const char *const names[] = {"fcfs", "priority", "sjf", "sjf-predicted", "vtc"};
    for (size_t i = 0; i < COUNT(names); i++) {
        ck_assert_str_eq(queue_order_names[i], names[i]);
        ck_assert_str_eq(queue_order_at(i)->name, names[i]);
        ck_assert(queue_order_at(i)->predicts == (i == 3));
        ck_assert(queue_order_by_arrival(queue_order_at(i)) == (i == 0));
    }
    ck_assert_ptr_null(queue_order_names[COUNT(names)]);
    ck_assert_ptr_null(queue_order_at(COUNT(names)));
}
END_TEST

/* Room for more clients than there was at first, and for those found before. */
START_TEST(test_many_clients)
{
    struct vtc vtc;
    ck_assert(vtc_init(&vtc));
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(vtc_find(&vtc, (uint64_t)i << 40), i);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(vtc_find(&vtc, (uint64_t)i << 40), i);
    ck_assert_int_eq(vtc_least(&vtc, 0), -1);
    vtc_fini(&vtc);
}
END_TEST

int main(void)
{
    int orders = 0;
    while (queue_order_at((size_t)orders) != NULL)
        orders++;
    TCase *tcase = tcase_create("the waiting queue");
    tcase_add_loop_test(tcase, test_against_a_list, 0, orders);
    tcase_add_test(tcase, test_names);
    tcase_add_test(tcase, test_many_clients);
    return unit_run_case("queue", tcase);
}
