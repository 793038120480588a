/* Answers to a source whose clients wait for them: an observer that tells the source of every request
 * that has finished, and passes everything on to the one whose run it is. */
#ifndef LLMSIM_ENGINE_ANSWERS_H
#define LLMSIM_ENGINE_ANSWERS_H

#include <llmsim/observer.h>
#include <stdbool.h>

struct answers {
    struct observer observer; /* its context is this struct, which must stay where it is */
    const struct observer *watcher;
    struct request_source *source;
    bool given; /* since whoever reads the source has last set it false */
};

/* The source has a finished(). Both must outlive *answers. */
void answers_init(struct answers *answers, struct request_source *source,
                  const struct observer *watcher);

/* An answer that is no outcome of a step: a refusal. */
void answers_give(struct answers *answers, int64_t request_id, int64_t now_ns);

#endif
