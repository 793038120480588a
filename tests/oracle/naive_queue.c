/* Who is served next and who gives way: include/llmsim/queue_order.h, and for clients
 * src/scheduler/vtc.h. All who wait are looked at every time. */
#include "naive_server.h"
#include "orders.h"

#include <gsl/gsl_randist.h>
#include <math.h>

enum { PROMPT_TOKEN_WEIGHT = 1, OUTPUT_TOKEN_WEIGHT = 2 };

static int64_t predict_output(struct naive_server *server, const struct request *request)
{
    double error = gsl_ran_gaussian(server->predictions, server->setup->output_prediction_error);
    double tokens = rint((double)request->output_tokens * exp(error));
    return (int64_t)fmin(fmax(tokens, 1.0), REQUEST_MAX_TOKENS);
}

static int64_t key_of(struct naive_server *server, const struct request *request)
{
    const struct queue_order *order = server->setup->queue_order;
    if (order == &order_priority)
        return request->priority;
    if (order == &order_sjf)
        return request->prompt_tokens;
    if (order == &order_sjf_predicted)
        return predict_output(server, request);
    return 0;
}

static size_t find_client(struct naive_server *server, uint64_t name)
{
    for (size_t i = 0; i < server->client_count; i++)
        if (server->clients[i].name == name)
            return i;
    server->clients[server->client_count] = (struct naive_client){.name = name};
    return server->client_count++;
}

void naive_queue_arrive(struct naive_server *server, size_t id)
{
    const struct request *request = &server->requests[id];
    server->sequences[id].key = key_of(server, request);
    server->sequences[id].client = find_client(server, request->client);
    naive_queue_add(server, id);
}

static int64_t counter_of(const struct naive_server *server, size_t id)
{
    return server->clients[server->sequences[id].client].counter;
}

/* A client of whom nothing waits gets no credit for that. */
static void lift(struct naive_server *server, struct naive_client *client)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < server->waiting.count; i++) {
        size_t other = server->waiting.items[i];
        if (&server->clients[server->sequences[other].client] == client)
            return;
        if (counter_of(server, other) < least)
            least = counter_of(server, other);
    }
    if (server->waiting.count == 0)
        least = server->last_taken < 0 ? 0 : server->clients[server->last_taken].counter;
    if (client->counter < least) {
        client->counter = least;
        server->result->events.lifts++;
    }
}

void naive_queue_add(struct naive_server *server, size_t id)
{
    if (server->setup->queue_order == &order_vtc)
        lift(server, &server->clients[server->sequences[id].client]);
    naive_list_append(&server->waiting, id);
}

/* Of two that wait; requests are numbered in order of arrival. */
static bool is_before(const struct naive_server *server, size_t a, size_t b)
{
    const struct naive_sequence *first = &server->sequences[a], *second = &server->sequences[b];
    if (server->setup->queue_order == &order_vtc) {
        if (counter_of(server, a) != counter_of(server, b))
            return counter_of(server, a) < counter_of(server, b);
        if (first->client != second->client)
            return first->client < second->client;
    }
    return first->key != second->key ? first->key < second->key : a < b;
}

size_t naive_queue_head(const struct naive_server *server)
{
    size_t head = server->waiting.items[0];
    for (size_t i = 1; i < server->waiting.count; i++)
        if (is_before(server, server->waiting.items[i], head))
            head = server->waiting.items[i];
    return head;
}

void naive_queue_remove(struct naive_server *server, size_t id)
{
    naive_list_take_at(&server->waiting, naive_list_find(&server->waiting, id));
    size_t client = server->sequences[id].client;
    if (server->result->outcomes[id].scheduled_ns < 0)
        server->clients[client].counter +=
            (int64_t)PROMPT_TOKEN_WEIGHT * server->requests[id].prompt_tokens;
    server->last_taken = (int64_t)client;
}

void naive_queue_charge(struct naive_server *server, const struct naive_plan *plan)
{
    for (size_t i = 0; i < plan->emitters.count; i++)
        server->clients[server->sequences[plan->emitters.items[i]].client].counter +=
            OUTPUT_TOKEN_WEIGHT;
}

size_t naive_queue_victim(const struct naive_server *server)
{
    const struct queue_order *order = server->setup->queue_order;
    size_t victim = server->running.count - 1;
    if (order == &order_fcfs || order == &order_vtc)
        return victim;
    for (size_t i = 0; i < server->running.count; i++)
        if (is_before(server, server->running.items[victim], server->running.items[i]))
            victim = i;
    return victim;
}
