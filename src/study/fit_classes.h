/* Requests sorted into classes of clients whose lengths are alike. */
#ifndef LLMSIM_STUDY_FIT_CLASSES_H
#define LLMSIM_STUDY_FIT_CLASSES_H

#include "fit_requests.h"

enum { FIT_MAX_CLASSES = 8 };

/* Give every request its class, 0 … classes − 1, and return how many there are; 0 when memory cannot
 * be had.
 *
 * One class is enough where outputs depend on prompts by their rank correlation alone, and lengths do
 * not drift in time: where what is beyond explains at most a fiftieth of the variance. Otherwise as few
 * classes as leave at most a quarter of the variance of the logarithms of the lengths within them. */
int fit_classes(struct fit_requests *requests, struct error *error);

#endif
