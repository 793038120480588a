/* The requests of a workload section, kept whole: what they point to is gone with the next one. */
#ifndef LLMSIM_TESTS_GENERATING_H
#define LLMSIM_TESTS_GENERATING_H

#include "unit.h"
#include "workload.h"

#include <check.h>

enum { KEPT_NAME_BYTES = 96 };

struct kept_request {
    struct request request; /* its ids are owned; its names are not valid */
    char session[KEPT_NAME_BYTES], client[KEPT_NAME_BYTES], class_name[KEPT_NAME_BYTES];
};

struct generated {
    struct kept_request *requests; /* owned */
    size_t count;
};

static inline void keep_name(char text[KEPT_NAME_BYTES], struct request_name name)
{
    ck_assert_int_lt(name.bytes, KEPT_NAME_BYTES);
    if (name.bytes > 0)
        memcpy(text, name.text, (size_t)name.bytes);
    text[name.bytes] = '\0';
}

static inline struct kept_request keep_request(const struct request *request)
{
    struct kept_request kept = {.request = *request};
    const size_t bytes = (size_t)request->prefix_id_count * sizeof(uint64_t);
    uint64_t *ids = malloc(bytes > 0 ? bytes : 1);
    ck_assert_ptr_nonnull(ids);
    if (bytes > 0)
        memcpy(ids, request->prefix_ids, bytes);
    kept.request.prefix_ids = ids;
    keep_name(kept.session, request->session);
    keep_name(kept.client, request->client_name);
    keep_name(kept.class_name, request->class_name);
    kept.request.session = kept.request.client_name = kept.request.class_name =
        (struct request_name){0};
    return kept;
}

static inline bool open_workload(struct document *document, const char *text, uint64_t seed,
                                 struct request_source *source, struct error *error)
{
    struct workload_config config = {0};
    const struct node *node = document_read_text(document, "c.yaml", text, strlen(text), error);
    return node != NULL && settings_read(document, &workload_settings, node, &config, error) &&
           workload_check(&config, node, error) && workload_open(&config, seed, source, error);
}

/* All of them, of a workload that is no closed loop. */
static inline struct generated generate_all(const char *text, uint64_t seed)
{
    struct generated generated = {0};
    size_t capacity = 0;
    struct document *document = document_create();
    struct request_source source;
    struct request request;
    struct error error = {0};
    ck_assert_msg(open_workload(document, text, seed, &source, &error), "%s", error.text);
    enum request_source_result result;
    while ((result = source.next(source.state, &request, &error)) == SOURCE_REQUEST) {
        if (generated.count == capacity) {
            capacity = 2 * capacity + 64;
            generated.requests = realloc(generated.requests, capacity * sizeof *generated.requests);
            ck_assert_ptr_nonnull(generated.requests);
        }
        generated.requests[generated.count++] = keep_request(&request);
    }
    ck_assert_msg(result == SOURCE_END, "%s", error.text);
    ck_assert_int_eq(source.next(source.state, &request, &error), SOURCE_END);
    source.destroy(source.state);
    document_destroy(document);
    return generated;
}

static inline void generated_fini(struct generated *generated)
{
    for (size_t i = 0; i < generated->count; i++)
        free((uint64_t *)generated->requests[i].request.prefix_ids);
    free(generated->requests);
}

/* The workload section is refused, and the message holds this. */
static inline void assert_refused_workload(const char *text, const char *expected)
{
    struct document *document = document_create();
    struct request_source source;
    struct error error = {0};
    ck_assert_msg(!open_workload(document, text, 1, &source, &error), "accepted: %s", text);
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    ck_assert_msg(strstr(error.text, expected) != NULL, "expected '%s', got '%s'", expected,
                  error.text);
    document_destroy(document);
}

#endif
