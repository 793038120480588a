/* Fitting one family of kernels: which parameters, from where, and what the rows determine. */
#ifndef LLMSIM_STUDY_CALIBRATION_FIT_H
#define LLMSIM_STUDY_CALIBRATION_FIT_H

#include "calibration_report.h"
#include "calibration_solve.h"
#include "measurements.h"

/* "SECTION.KEY" of parameters that stay as they are. */
struct held_keys {
    const char *const *names;
    size_t count;
};

/* How far a calibration is: so many solutions of so many. */
struct fit_progress {
    void (*show)(double fraction); /* may be NULL */
    int done, total;
};

/* Solutions that the fit of one family takes. */
enum { FIT_STARTS = 3, FIT_FOLDS = 5, FIT_SOLUTIONS = FIT_STARTS + 1 + FIT_FOLDS };

/* Every one names a fitted key; otherwise *error says which do. */
bool held_keys_check(const struct held_keys *held, struct error *error);

/* Fit the family to the rows, which inform it, and put the values found, rounded as they are
 * written, into *accelerator. Fills the family, parameters, and held_out of *fit. A parameter that
 * the rows do not determine has a refusal; that is no error here. */
bool calibration_fit_family(const struct kernel_family *family, const struct held_keys *held,
                            const struct measurement *const *rows, size_t count,
                            struct accelerator *accelerator, struct fit_progress *progress,
                            struct calibration_fit *fit, struct error *error);

#endif
