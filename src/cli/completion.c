/* `dora completion`: what teaches a shell to complete dora's command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/embedded.h"
#include "cli/report.h"

static int run(const struct options *options)
{
    const char *shell = options->operand_count ? options->operands[0] : getenv("SHELL");
    if (!shell || !*shell) {
        report_error("which shell? SHELL is not set");
        report_hint("say it: `dora completion bash`");
        return COMMAND_USAGE;
    }
    const char *slash = strrchr(shell, '/');
    shell = slash ? slash + 1 : shell;
    char path[64];
    snprintf(path, sizeof path, "completions/dora.%s", shell);
    const struct embedded *file = embedded_find(path);
    if (!file) {
        report_error("there is no completion for the shell `%s`", shell);
        report_hint("there is one for bash, zsh and fish");
        return COMMAND_USAGE;
    }
    fwrite(file->data, 1, file->size, stdout);
    return COMMAND_OK;
}

const struct command command_completion = {
    .name = "completion",
    .operands = "[bash|zsh|fish]",
    .max_operands = 1,
    .summary = "Print the completion of dora's command line for a shell",
    .details =
        "Without a name, for the shell in SHELL. Where dora is installed from a package, shells know it already.\n"
        "Otherwise put this into the file that the shell reads at its start (for zsh behind `compinit`).",
    .example = "eval \"$(dora completion bash)\"       # ~/.bashrc\n"
               "eval \"$(dora completion zsh)\"        # ~/.zshrc\n"
               "dora completion fish | source        # ~/.config/fish/config.fish",
    .run = run,
};
