/* Several classes of clients: each as it would be alone, merged by the time of arrival. */
#include "generating.h"

#include <llmsim/sim_time.h>
#include <math.h>

#define CHAT                                                                                       \
    "{arrivals: {process: poisson, rate: 3}, clients: 4,\n"                                        \
    "  prompt_tokens: {distribution: exponential, mean: 60},\n"                                    \
    "  output_tokens: {distribution: exponential, mean: 40},\n"                                    \
    "  sessions: {turns: {distribution: exponential, mean: 3}, turn_gap: 5 s}}\n"
#define BATCH                                                                                      \
    "{arrivals: {process: constant, rate: 2}, priority: 5,\n"                                      \
    "  prompt_tokens: {distribution: exponential, mean: 600},\n"                                   \
    "  output_tokens: {distribution: constant, value: 8},\n"                                       \
    "  shared_prefix: {tokens: 64, count: 2}}\n"

/* The same, with names apart. */
static void check_class(const struct generated *mixed, const char *name,
                        const struct generated *alone)
{
    size_t next = 0;
    for (size_t i = 0; i < mixed->count; i++) {
        const struct kept_request *kept = &mixed->requests[i];
        if (strcmp(kept->class_name, name) != 0)
            continue;
        ck_assert_uint_lt(next, alone->count);
        const struct kept_request *expected = &alone->requests[next++];
        ck_assert_int_eq(kept->request.arrival_ns, expected->request.arrival_ns);
        ck_assert_int_eq(kept->request.prompt_tokens, expected->request.prompt_tokens);
        ck_assert_int_eq(kept->request.output_tokens, expected->request.output_tokens);
        ck_assert_int_eq(kept->request.turn, expected->request.turn);
        ck_assert_int_eq(kept->request.priority, expected->request.priority);
        ck_assert_str_eq(kept->session, expected->session);
        ck_assert_str_eq(kept->client, expected->client);
    }
    ck_assert_uint_eq(next, alone->count);
}

START_TEST(classes_do_not_disturb_each_other)
{
    struct generated mixed =
        generate_all("classes:\n  chat: " CHAT "  batch: " BATCH "duration: 300 s\n", 3);
    struct generated swapped =
        generate_all("classes:\n  batch: " BATCH "  chat: " CHAT "duration: 300 s\n", 3);
    struct generated chat = generate_all("classes: {chat: " CHAT "}\nduration: 300 s\n", 3);
    struct generated batch = generate_all("classes: {batch: " BATCH "}\nduration: 300 s\n", 3);
    check_class(&mixed, "chat", &chat);
    check_class(&mixed, "batch", &batch);
    check_class(&swapped, "chat", &chat);
    ck_assert_uint_eq(mixed.count, chat.count + batch.count);
    ck_assert_uint_eq(batch.count, 600);
    for (size_t i = 1; i < mixed.count; i++)
        ck_assert_int_le(mixed.requests[i - 1].request.arrival_ns,
                         mixed.requests[i].request.arrival_ns);
    generated_fini(&mixed);
    generated_fini(&swapped);
    generated_fini(&chat);
    generated_fini(&batch);
}
END_TEST

START_TEST(names_and_ids_are_of_the_class)
{
    struct generated mixed =
        generate_all("classes:\n  chat: " CHAT "  other: " CHAT "num_requests: 800\n", 3);
    ck_assert_uint_eq(mixed.count, 800);
    size_t others = 0;
    for (size_t i = 0; i < mixed.count; i++) {
        const struct kept_request *kept = &mixed.requests[i];
        const bool other = strcmp(kept->class_name, "other") == 0;
        others += other;
        ck_assert_int_eq(strncmp(kept->session, other ? "other-s" : "chat-s", other ? 7 : 6), 0);
        ck_assert_int_eq(strncmp(kept->client, other ? "other-c" : "chat-c", other ? 7 : 6), 0);
        for (size_t j = 0; j < i; j++) {
            const bool shared = strcmp(mixed.requests[j].session, kept->session) == 0;
            ck_assert_int_eq(mixed.requests[j].request.prefix_ids[0] == kept->request.prefix_ids[0],
                             shared);
        }
    }
    ck_assert(others > 200 && others < 600);
    /* The two draw from streams of their own. */
    ck_assert_int_ne(mixed.requests[0].request.prompt_tokens,
                     mixed.requests[1].request.prompt_tokens);
    generated_fini(&mixed);
}
END_TEST

START_TEST(ties_go_by_the_order_of_classes)
{
#define TICK                                                                                       \
    "{arrivals: {process: constant, rate: 1}, prompt_tokens: {distribution: constant, value: 1},"  \
    " output_tokens: {distribution: constant, value: 1}}"
    static const char *const names[] = {"z", "a", "m"};
    struct generated mixed = generate_all("classes: {z: " TICK ", a: " TICK ", m: " TICK "}\n"
                                          "num_requests: 30\n",
                                          3);
    for (size_t i = 0; i < mixed.count; i++) {
        ck_assert_int_eq(mixed.requests[i].request.arrival_ns, (int64_t)(i / 3) * SIM_NS_PER_S);
        ck_assert_str_eq(mixed.requests[i].class_name, names[i % 3]);
    }
    generated_fini(&mixed);
}
END_TEST

START_TEST(refuses_what_makes_no_sense)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"classes: {chat: " CHAT "}\n", "generated traffic needs 'num_requests', or a 'duration'"},
        {"classes: {chat: " CHAT "}\nnum_requests: 5\npriority: 1\n",
         "c.yaml:7:1: 'priority' is said in each class, where there are 'classes'"},
        {"arrivals: {process: poisson, rate: 8}\nnum_requests: 5\nclasses: {chat: " CHAT "}\n",
         "c.yaml:1:1: 'arrivals' is said in each class"},
        {"num_requests: 5\nclasses: {chat: {priority: 4}}\n",
         "c.yaml:2:17: generated traffic needs 'arrivals' with a 'process'"},
        {"num_requests: 5\nclasses: {chat: {arivals: 4}}\n",
         "c.yaml:2:18: unknown key 'arivals' in a class of clients (did you mean 'arrivals'?)"},
        {"num_requests: 5\nclasses: [4]\n", "c.yaml:2:10: 'classes' must be a mapping of names"},
        {"num_requests: 5\nclasses: {chat: 4}\n", "c.yaml:2:17: a class of clients must be"},
        {"trace: t.csv\nclasses: {chat: " CHAT "}\n",
         "c.yaml:2:1: 'classes' is for generated traffic"},
        {"num_requests: 5\nprefix_block_tokens: 5\nclasses: {chat: " TICK "}\n",
         "c.yaml:2:1: 'prefix_block_tokens' has no meaning"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused_workload(cases[i].text, cases[i].error);
}
END_TEST

/* What settings_print_yaml makes of classes is read back as the same traffic. */
START_TEST(survives_being_printed)
{
    static const char text[] =
        "classes:\n  'the chat': " CHAT "  batch: " BATCH "num_requests: 100\n";
    struct document *document = document_create();
    struct error error = {0};
    struct workload_config config = {0};
    const struct node *node = document_read_text(document, "c.yaml", text, strlen(text), &error);
    ck_assert(settings_read(document, &workload_settings, node, &config, &error));
    char printed[4000] = "";
    FILE *stream = fmemopen(printed, sizeof printed, "w");
    settings_print_yaml(&workload_settings, &config, 0, stream);
    fclose(stream);
    struct generated before = generate_all(text, 8), after = generate_all(printed, 8);
    ck_assert_uint_eq(before.count, after.count);
    for (size_t i = 0; i < before.count; i++) {
        const struct kept_request *a = &before.requests[i], *b = &after.requests[i];
        ck_assert_str_eq(a->class_name, b->class_name);
        ck_assert_str_eq(a->session, b->session);
        ck_assert_int_eq(a->request.arrival_ns, b->request.arrival_ns);
        ck_assert_int_eq(a->request.prompt_tokens, b->request.prompt_tokens);
    }
    generated_fini(&before);
    generated_fini(&after);
    document_destroy(document);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        classes_do_not_disturb_each_other,
        names_and_ids_are_of_the_class,
        ties_go_by_the_order_of_classes,
        refuses_what_makes_no_sense,
        survives_being_printed,
    };
    return unit_run("classes", tests, COUNT(tests));
}
