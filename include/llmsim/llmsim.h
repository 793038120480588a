/* llmsim as a library: load a configuration, override its keys, run it, read what it came to.
 *
 *     struct llmsim_error error;
 *     struct llmsim *run = llmsim_create("a100_llama7b.yaml", NULL);
 *     if (run == NULL || !llmsim_set(run, "engine.max_num_seqs", "64") || !llmsim_run(run, &error))
 *         ...
 *     printf("%.1f ms\n", llmsim_figure(run, "p99_ttft_ms"));
 *     llmsim_destroy(run);
 *
 * Nothing is global but GSL's error handler, which is switched off: any number of struct llmsim may be
 * used at once, each by one thread at a time.
 * Build with `pkg-config --cflags --libs llmsim`. */
#ifndef LLMSIM_LLMSIM_H
#define LLMSIM_LLMSIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A configuration, and the results of its last run. */
struct llmsim;

/* Why something failed. The status is what the command would end with. */
struct llmsim_error {
    int status;      /* 1: the run failed (I/O, no memory); 2: the input is wrong */
    char text[1024]; /* one line, "FILE:LINE:COLUMN: what is wrong" where there is a place */
};

/* The version of the library, "0.1.0". */
const char *llmsim_version(void);

/* The configuration in a YAML file, of which nothing is read yet. Models and accelerators by name are
 * looked up beside the file, then in `configs` (NULL: only beside it), which holds models/ and
 * accelerators/. Both texts are copied. NULL when memory cannot be had; otherwise the caller destroys
 * it. */
struct llmsim *llmsim_create(const char *path, const char *configs);

/* The same file under the same overrides, without results, for another run. Copies share what they
 * read of a trace, which is then read once for all. NULL when memory cannot be had. */
struct llmsim *llmsim_copy(const struct llmsim *run);

/* Accepts NULL. */
void llmsim_destroy(struct llmsim *run);

/* Override a key by its dotted path, ("engine.max_num_seqs", "64") as `-s engine.max_num_seqs=64`, from
 * the next run on; a later override of a key wins. A key or value that is wrong is told by that run.
 * False when memory cannot be had, with nothing changed. */
bool llmsim_set(struct llmsim *run, const char *key, const char *value);

/* Read the configuration and simulate. The same configuration gives the same results, on every
 * machine. It is one run, whatever `metrics.replications` says, and writes no file. False with *error filled, and no results. */
bool llmsim_run(struct llmsim *run, struct llmsim_error *error);

/* A figure of the last run by its key in the summary, as of `vllm bench serve --save-result`:
 * "request_throughput" (per second), "mean_ttft_ms", "p99_tpot_ms" … NaN: there is none of this name,
 * nothing it could be of (no request of two tokens, no SLO), or no results. */
double llmsim_figure(const struct llmsim *run, const char *name);

/* The names that llmsim_figure knows, 0 … count − 1, valid as long as `run`; NULL beyond. */
size_t llmsim_figure_count(void);
const char *llmsim_figure_name(const struct llmsim *run, size_t index);

/* A hash over every request's outcome; 0: no results. */
uint64_t llmsim_digest(const struct llmsim *run);

/* All results as the JSON text that `llmsim run --json` writes, ended by a zero; the caller frees it
 * with free(). NULL: no results, or no memory. */
char *llmsim_summary_json(const struct llmsim *run);

/* What the last run warned of, 0 … count − 1, each a line; valid until the next run. */
size_t llmsim_warning_count(const struct llmsim *run);
const char *llmsim_warning(const struct llmsim *run, size_t index);

#ifdef __cplusplus
}
#endif

#endif
