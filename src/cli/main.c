/* llmsim: which command it is. Everything else is in the folders below. */
#include "commands.h"

#include "page.h"
#include <fcntl.h>
#include <gsl/gsl_errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* A file must never be opened in the place of a closed stdin, stdout or stderr: give those
 * something that fails to be written. */
static bool occupy_standard_streams(void)
{
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
        if (fcntl(descriptor, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != descriptor)
            return false;
    }
    return true;
}

/* An option, or something that may be a file: not a word that was meant as a command. */
static bool is_config(const char *word)
{
    return *word == '-' || strpbrk(word, "./") != NULL || access(word, F_OK) == 0;
}

static int refuse_word(const char *word)
{
    enum { COMMANDS_MAX = 16 };
    const char *names[COMMANDS_MAX];
    size_t count = 0;
    for (; commands[count].name != NULL && count < COMMANDS_MAX; count++)
        names[count] = commands[count].name;
    struct error error = {0};
    error_input(&error, NULL, "there is no command and no configuration '%s'", word);
    error_suggest(&error, word, names, count);
    return command_fail(&error);
}

int main(int argc, char **argv)
{
    if (!occupy_standard_streams())
        return ERROR_RUN;
    page_set_command(argc, argv);
    gsl_set_error_handler_off();
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is a write that fails, not a death */
    if (argc < 2)
        return command_misuse("run", "no configuration given");
    if (strcmp(argv[1], "--version") == 0) {
        puts("llmsim " LLMSIM_VERSION);
        return command_finish_stdout();
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return command_help(1, argv);
    for (const struct command *command = commands; command->name != NULL; command++) {
        if (strcmp(argv[1], command->name) == 0)
            return command->run(argc - 1, argv + 1);
    }
    if (!is_config(argv[1]))
        return refuse_word(argv[1]);
    return command_run(argc, argv);
}
