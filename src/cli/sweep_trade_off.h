/* What a sweep says on the terminal: its trade-off. */
#ifndef LLMSIM_CLI_SWEEP_TRADE_OFF_H
#define LLMSIM_CLI_SWEEP_TRADE_OFF_H

#include "sweep_journal.h"

/* The Pareto front of a journal that holds all runs, and how many failed; with a chart of it and of all
 * others, if that is wanted. */
bool sweep_trade_off_print(struct sweep_journal *journal, bool chart, FILE *stream,
                           struct error *error);

#endif
