/* Comparing an accelerator's description with measured kernels, and fitting it to them. */
#ifndef LLMSIM_STUDY_CALIBRATION_H
#define LLMSIM_STUDY_CALIBRATION_H

#include "calibration_fit.h"

/* The errors of predicted/measured ratios, which are reordered. */
struct calibration_errors calibration_errors_of(double *ratios, size_t count);

/* The error of the accelerator, per file and in all, into *report, which points into the
 * measurements and the accelerator. The caller ends it with calibration_report_fini, also on an
 * error: no row to compare, or no memory. */
bool calibration_check(const struct accelerator *accelerator,
                       const struct measurements *measurements, struct calibration_report *report,
                       struct error *error);

/* Fit every family that the measurements inform, one after the other, in place; then check the
 * result. An undetermined parameter is no error but a refusal in the report. `progress` may be NULL. */
bool calibration_fit(struct accelerator *accelerator, const struct measurements *measurements,
                     const struct held_keys *held, void (*progress)(double fraction),
                     struct calibration_report *report, struct error *error);

/* The first refusal of the report at or behind *fit, *parameter, which it moves; NULL: no more. */
const char *calibration_next_refusal(const struct calibration_report *report, size_t *fit,
                                     size_t *parameter);

#endif
