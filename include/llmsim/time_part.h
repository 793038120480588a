/* Where a request's time goes, from its arrival to its end. */
#ifndef LLMSIM_TIME_PART_H
#define LLMSIM_TIME_PART_H

enum time_part {
    TIME_QUEUE,        /* from its arrival until it is first admitted */
    TIME_PREFILL,      /* its own prompt is computed */
    TIME_INTERFERENCE, /* what prompts of others add to its steps, or it runs and its turn is awaited */
    TIME_DECODE,       /* its output is computed, with that of all others who decode */
    TIME_PREEMPTION, /* preempted: it waits again, and what it lost is computed again */
    TIME_TRANSFER,   /* its steps wait for copies to and from host memory */
    TIME_HOST,       /* its steps wait for the scheduler and the host */
    TIME_PART_COUNT
};

/* "queue", "prefill", …, in this order; in columns and keys. */
#define TIME_PART_NAMES                                                                            \
    {                                                                                              \
        "queue", "prefill", "interference", "decode", "preemption", "transfer", "host"             \
    }

#endif
