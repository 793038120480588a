/* best_batch CONFIG [CONFIGS]: which max_num_seqs gives the most tokens a second while the 99th percentile of
 * the time to first token stays under a second. Built with
 *
 *     cc best_batch.c $(pkg-config --cflags --libs llmsim) -o best_batch
 *     ./best_batch a100_llama7b.yaml $(pkg-config --variable=configs llmsim)
 */
#include <llmsim/llmsim.h>
#include <stdio.h>

static const char *const sizes[] = {"8", "16", "32", "64", "128", "256"};
enum { SIZES = sizeof sizes / sizeof *sizes };

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s CONFIG [CONFIGS]\n", argv[0]);
        return 2;
    }
    struct llmsim *base = llmsim_create(argv[1], argc > 2 ? argv[2] : NULL);
    const char *best = "none";
    double most_tokens_per_s = 0.0;
    for (int i = 0; base != NULL && i < SIZES; i++) {
        struct llmsim_error error = {0};
        struct llmsim *run = llmsim_copy(base); /* copies read the trace once for all */
        if (run == NULL || !llmsim_set(run, "engine.max_num_seqs", sizes[i]) ||
            !llmsim_run(run, &error)) {
            fprintf(stderr, "%s\n", run != NULL ? error.text : "out of memory");
            llmsim_destroy(run);
            llmsim_destroy(base);
            return error.status;
        }
        const double ttft_ms = llmsim_figure(run, "p99_ttft_ms");
        const double tokens_per_s = llmsim_figure(run, "output_throughput");
        printf("max_num_seqs %3s: p99 TTFT %9.1f ms, %7.1f output tokens/s\n", sizes[i], ttft_ms,
               tokens_per_s);
        if (ttft_ms < 1000.0 && tokens_per_s > most_tokens_per_s) {
            most_tokens_per_s = tokens_per_s;
            best = sizes[i];
        }
        llmsim_destroy(run);
    }
    llmsim_destroy(base);
    printf("best: %s\n", best);
    return 0;
}
