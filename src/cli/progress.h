/* A progress bar on stderr, for runs of more than a second watched by a person. */
#ifndef LLMSIM_CLI_PROGRESS_H
#define LLMSIM_CLI_PROGRESS_H

/* Seconds of a clock that only goes forward. */
double progress_clock_s(void);

/* Show how far the run is; fraction 0: unknown. Does nothing in the first second, more often than
 * ten times a second, or when stderr is no terminal. The clock starts at the first call. */
void progress_show(double fraction);

/* Take the bar away, if it was shown. */
void progress_clear(void);

#endif
