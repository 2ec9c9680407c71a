/* dora-runtime: the host of operators in shared libraries (docs/operators.md). Started by the daemon, never by people.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "operator/host.h"

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("dora-runtime %s\n", DORA_VERSION);
        return EXIT_SUCCESS;
    }
    const char *config = getenv(HOST_CONFIG_ENV);
    if (!config) {
        fprintf(stderr,
                "dora-runtime is started by the daemon, for a node with `operator:` or `operators:` (%s is not set)\n",
                HOST_CONFIG_ENV);
        return EXIT_FAILURE;
    }
    autofree char *text = strdup(config);
    if (!text)
        return fprintf(stderr, "dora-runtime: no memory\n"), EXIT_FAILURE;
    unsetenv(HOST_CONFIG_ENV); /* not for the processes that operators start */
    /* An operator that writes to what has been closed gets an error; the others shall not die of it. */
    signal(SIGPIPE, SIG_IGN);
    /* What an operator prints is in the log when the line ends, also where it crashes then. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    return operator_host_run(text, &(struct operator_host_options){.tells_of_crashes = true});
}
