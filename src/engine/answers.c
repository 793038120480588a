#include "answers.h"

static void pass_step(void *context, const struct step_report *report)
{
    const struct answers *answers = context;
    answers->watcher->step(answers->watcher->context, report);
}

static void pass_token_gaps(void *context, int64_t gap_ns, int32_t count)
{
    const struct answers *answers = context;
    answers->watcher->token_gaps(answers->watcher->context, gap_ns, count);
}

/* A refused request is still the one that the source gave last: whoever delivers answers it. */
static void pass_outcome(void *context, const struct request_outcome *outcome)
{
    struct answers *answers = context;
    answers->watcher->outcome(answers->watcher->context, outcome);
    if (outcome->status == REQUEST_COMPLETED)
        answers_give(answers, outcome->request_id, outcome->finished_ns);
}

static void pass_progress(void *context, double fraction)
{
    const struct answers *answers = context;
    answers->watcher->progress(answers->watcher->context, fraction);
}

void answers_init(struct answers *answers, struct request_source *source,
                  const struct observer *watcher)
{
    *answers = (struct answers){
        .observer = {answers, pass_step, pass_token_gaps, pass_outcome, pass_progress},
        .watcher = watcher,
        .source = source,
    };
}

void answers_give(struct answers *answers, int64_t request_id, int64_t now_ns)
{
    answers->source->finished(answers->source->state, request_id, now_ns);
    answers->given = true;
}
