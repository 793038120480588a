/* llmsim help: what the program can do, out of the tables that drive it. */
#include "commands.h"

#include "experiment_config.h"
#include "orders.h"
#include "policies.h"
#include "trace_format.h"
#include <string.h>

static void print_overview(void)
{
    puts("llmsim predicts how an LLM inference server will behave, without a GPU.\n");
    for (const struct command *command = commands; command->name != NULL; command++) {
        printf("llmsim %s\n    %s\n", command->usage, command->summary);
        if (command->options != NULL)
            fputs(command->options, stdout);
        putchar('\n');
    }
    puts("llmsim --help, llmsim --version\n"
         "\nLLMSIM_CONFIGS names the directory that holds models/ and accelerators/, where it is "
         "not\n"
         "the one beside the program.\n"
         "\nExit status: 0 done, 1 the run failed, 2 the input is wrong.");
}

static void print_choice(const char *name, const char *summary, const char *source)
{
    printf("  %-13s %s\n", name, summary);
    if (source != NULL)
        printf("  %-13s (%s)\n", "", source);
}

static void print_choices(void)
{
    puts("Batching policies: engine.scheduler");
    for (size_t i = 0; policy_at(i) != NULL; i++)
        print_choice(policy_at(i)->name, policy_at(i)->summary, policy_at(i)->source);
    puts("\nQueue orders: engine.scheduling_policy");
    for (size_t i = 0; queue_order_at(i) != NULL; i++)
        print_choice(queue_order_at(i)->name, queue_order_at(i)->summary,
                     queue_order_at(i)->source);
    puts("\nTrace formats: workload.format");
    for (size_t i = 0; trace_format_at(i) != NULL; i++)
        print_choice(trace_format_at(i)->name, trace_format_at(i)->summary,
                     trace_format_at(i)->source);
    puts("\nCost models: cost.model");
    for (size_t i = 0; cost_model_types[i] != NULL; i++)
        print_choice(cost_model_types[i]->name, cost_model_types[i]->summary, NULL);
}

int command_print_help(const char *name)
{
    for (const struct command *command = commands; command->name != NULL; command++) {
        if (strcmp(command->name, name) != 0)
            continue;
        printf("llmsim %s\n    %s\n", command->usage, command->summary);
        fputs(command->options != NULL ? command->options : "", stdout);
        return command_finish_stdout();
    }
    return command_misuse("help", "there is no command '%s'", name);
}

int command_help(int argc, char **argv)
{
    const char *topic = argc > 1 ? argv[1] : NULL;
    if (topic == NULL) {
        print_overview();
        return command_finish_stdout();
    }
    if (strcmp(topic, "config") == 0) {
        puts("| key | value | default | meaning |\n|---|---|---|---|");
        settings_print_reference(&experiment_settings, "", stdout);
        return command_finish_stdout();
    }
    if (strcmp(topic, "choices") == 0) {
        print_choices();
        return command_finish_stdout();
    }
    return command_print_help(topic);
}
