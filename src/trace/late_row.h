/* What to say of a row that comes too late to be put in order. */
#ifndef LLMSIM_TRACE_LATE_ROW_H
#define LLMSIM_TRACE_LATE_ROW_H

#include "trace_format.h"

/* Record that the row's time is back_ns before that of a row that has been delivered, and how to
 * sort a file of rows like this one, behind a header or not. Always false. */
bool late_row_refuse(struct trace_row *row, int64_t back_ns, bool header);

#endif
