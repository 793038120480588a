#include "commands.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <stdarg.h>
#include <string.h>

#define CONFIG_OPTIONS                                                                             \
    "  -s, --set KEY=VALUE  override a key by its dotted path, as often as needed:\n"              \
    "                       -s engine.max_num_seqs=64 -s accelerator.memory_bandwidth='3 TB/s'\n"  \
    "      --seed N         of every random stream; short for -s seed=N\n"

const struct command commands[] = {
    {"run", "[run] CONFIG [OPTION]...",
     "simulate, and print what a server's benchmark would (the default command)",
     CONFIG_OPTIONS
     "      --json FILE      the summary as JSON, by the keys of vLLM's benchmark ('-': stdout)\n"
     "      --requests FILE  a CSV row a request ('-': stdout)\n"
     "      --timeline FILE  a CSV row a second: queue, batch, KV use, tokens/s ('-': stdout);\n"
     "                       of a long run, rows of 2, 4, 8 ... seconds: at most 10000\n"
     "      --perfetto FILE  steps, queue, KV use and requests as tracks for ui.perfetto.dev; of "
     "a\n"
     "                       long run every 2nd, 4th ... step and request: 100000, 2000 at most\n"
     "      --html FILE      a page that opens offline: figures, distributions, timeline, "
     "roofline\n"
     "      --chart          distributions of the latencies, below the table\n"
     "      --replications N runs with seed, seed + 1, ...: means and 95 % intervals over them\n"
     "      --sensitivity    what 5 and 10 % more or less speed would do, and how far the limit "
     "is\n"
     "  -q, --quiet          no progress and no timing on stderr\n"
     "      --print-config   show everything as resolved, as a configuration, and stop\n",
     command_run},
    {"roofline", "roofline CONFIG [OPTION]... | -a ACCELERATOR --gemm M,N,K [OPTION]...",
     "where the time of a step goes, and why: its operators, or one matrix product",
     "  -s, --set KEY=VALUE  override a key by its dotted path; with -a: accelerator.KEY=VALUE\n"
     "      --seed N         of every random stream; short for -s seed=N\n"
     "      --prompt L       a prefill step of a prompt of L tokens (the workload's mean)\n"
     "      --batch N        a decode step of N sequences (as many as fit)\n"
     "      --context L      each with L tokens of context (mean prompt + half the mean output)\n"
     "                       --prompt alone: no decode step; --batch, --context: no prefill step\n"
     "  -a, --accelerator A  a name or a path, instead of a configuration\n"
     "      --gemm M,N,K     a matrix product on it: M x K times K x N\n"
     "      --dtype DTYPE    fp32, bf16, fp16, fp8 or int8; several to compare: fp16,fp8\n"
     "      --plot FILE      the roofline with the operators on it: .svg, .png or .html\n"
     "      --html FILE      everything as a page that opens offline\n"
     "      --json FILE      everything as JSON ('-': stdout, in place of the tables)\n",
     command_roofline},
    {"trace", "trace info|fit|convert FILE [OPTION]... | trace generate CONFIG [OPTION]...",
     "say what a trace is like; fit a workload to it; write it in another format; write a workload "
     "as "
     "one",
     "                       (FILE, or '-': stdin, is of any format; CONFIG may be a file of a "
     "workload alone)\n"
     "  -s, --set KEY=VALUE  override a key, of a FILE workload.KEY, as often as needed:\n"
     "                       -s workload.start='10 min' -s workload.rate_scale=2\n"
     "      --seed N         of every random stream; short for -s seed=N\n"
     "      --json FILE      of info: everything as JSON ('-': stdout)\n"
     "  -o, --output FILE    of fit, convert and generate: where to (stdout)\n"
     "      --format FORMAT  of convert and generate (llmsim); llmsim help choices lists them\n",
     command_trace},
    {"calibrate",
     "calibrate -a ACCELERATOR --check|--fit FILE.csv... [OPTION]... | CONFIG --from-server FILE "
     "[OPTION]...",
     "compare an accelerator's description with measured kernels, or fit it to them, or to a "
     "server's "
     "log",
     "  -a, --accelerator A  a name from configs/accelerators, or a path\n"
     "      --check          print the error of every file and of all\n"
     "      --fit            fit efficiencies and overheads, print the residuals, write a "
     "description\n"
     "  -o, --output FILE    of --fit: where the new description goes ('-': stdout)\n"
     "      --hold KEY       of --fit: leave gemm.tile or the like as it is, as often as needed\n"
     "      --json FILE      the errors as JSON ('-': stdout)\n"
     "      --model NAME=M   what a model of the measurements is: a name from configs/models, or "
     "a\n"
     "                       path; M alone: in files without a column 'model'\n"
     "      --implementation NAME[/VERSION],...\n"
     "                       of collectives (vllm); others are left out\n"
     "      --from-server F  a log as of llmsim validate, where there are no kernels: fits "
     "bandwidth,\n"
     "                       compute, and the host's time of steps, or says what it does not "
     "tell;\n"
     "                       --hold NAME, -o and --json as above, -s, --seed and -q as of llmsim "
     "run\n",
     command_calibrate},
    {"sweep", "sweep SWEEP.yaml [OPTION]...",
     "run a configuration with other values of its keys, every combination, several at a time; "
     "mpirun llmsim sweep: on several machines",
     "  -j, --jobs N         runs at a time (as many as there are cores); the results are the "
     "same\n"
     "  -o, --output FILE    a row a run, in order: CSV, or JSON lines (.jsonl); stdout\n"
     "      --html FILE      a page that opens offline: trade-off, heat map, all runs\n"
     "      --chart          with -o FILE: the trade-off as a picture, below its table\n"
     "      --resume         go on with a sweep that was interrupted\n"
     "      --shard K/N      only run K, K + N, ... of it, for job arrays; -o FILE is to be "
     "merged\n"
     "      --merge          sweep --merge FILE...: what all shards have left becomes the "
     "result\n" CONFIG_OPTIONS "  -q, --quiet          no progress and no timing on stderr\n",
     command_sweep},
    {"capacity", "capacity CONFIG|SWEEP.yaml [OPTION]...",
     "the largest request rate, rate_scale or concurrency that meets the SLO; how many "
     "accelerators a "
     "load needs, and what they cost; of a sweep: the trade-off and the cheapest",
     "      --load L         to be served, in the unit of the capacity (as configured)\n"
     "      --precision P    of the capacity, a share of it (0.01)\n"
     "      --runs N         loads to be tried, at most (13)\n"
     "      --replications N runs of each with N seeds; short for -s "
     "metrics.replications=N\n" CONFIG_OPTIONS
     "      --json FILE      everything as JSON ('-': stdout, in place of the tables)\n"
     "      --html FILE      a page that opens offline\n"
     "      --chart          the trade-off as a picture, below the tables\n"
     "  -j, -o, --resume, --shard, --merge\n"
     "                       of a sweep: as of llmsim sweep\n"
     "  -q, --quiet          no progress and no timing on stderr\n",
     command_capacity},
    {"validate", "validate CONFIG --measured FILE [OPTION]...",
     "replay what a real server was measured with, and say how far the prediction is from it",
     "      --measured FILE  a row a request: CSV with arrival_s, input_tokens, output_tokens, "
     "ttft_s, "
     "e2e_s;\n"
     "                       vllm bench serve --save-detailed; aiperf's profile_export.jsonl; "
     "GuideLLM's\n"
     "                       benchmarks.json ('-': stdin)\n" CONFIG_OPTIONS
     "      --json FILE      everything as JSON ('-': stdout, in place of the tables)\n"
     "      --plot FILE      predicted over measured, and the distributions: .svg or .png\n"
     "      --html FILE      everything as a page that opens offline\n",
     command_validate},
    {"help", "help [COMMAND|config|choices]",
     "a command's options; every configuration key; the policies, formats and cost models", NULL,
     command_help},
    {NULL, NULL, NULL, NULL, NULL},
};

int command_fail(const struct error *error)
{
    fprintf(stderr, "%s\n", error->text);
    return (int)error->kind;
}

int command_misuse(const char *command, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct error error = {0};
    error_input(&error, NULL, "llmsim %s: %s (see llmsim help %s)", command, text, command);
    return command_fail(&error);
}

int command_misuse_option(const char *command, int option, char **argv)
{
    const char *word = argv[optind - 1];
    if (option == ':')
        return command_misuse(command, "'%s' needs a value", word);
    /* A short option may stand anywhere in its word, which may not be this one; optopt names it. It
     * is 0 for an unknown long option, and some letter for a long one with a value too many. */
    bool is_long =
        optopt == 0 || optopt >= 256 || (strncmp(word, "--", 2) == 0 && strchr(word, '=') != NULL);
    if (is_long)
        return command_misuse(command, "unknown option '%s'", word);
    return command_misuse(command, "unknown option '-%c'", optopt);
}

int command_out_of_memory(void)
{
    struct error error = {0};
    error_run(&error, "out of memory");
    return command_fail(&error);
}

void command_warn(const char *text)
{
    /* As an error's text: one line, whatever is in it. */
    struct error error = {0};
    error_input(&error, NULL, "warning: %s", text);
    fprintf(stderr, "%s\n", error.text);
}

static void hear(void *context, const char *text)
{
    (void)context;
    command_warn(text);
}

const struct warn_listener command_warnings = {hear, NULL};

void command_keep_memory(void)
{
#ifdef M_TRIM_THRESHOLD
    /* Every run takes some 15 MB for its histograms. Given back to the kernel and faulted in again page
     * by page, that is most of the time of a short run, and a tenth of that of an hour's trace. */
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

int command_finish_stdout(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fprintf(stderr, "stdout: cannot be written: %s\n", strerror(errno));
    return ERROR_RUN;
}
