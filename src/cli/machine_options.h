/* How a machine takes part in something with others: options of `dora daemon` and `dora up`.
 */
#ifndef CLI_MACHINE_OPTIONS_H
#define CLI_MACHINE_OPTIONS_H

#include "agent/gateway.h"
#include "cli/options.h"

/* The engine between machines that this build has, as "zenoh 1.10.0"; NULL: none. */
extern const char *const machine_engine;

#define MACHINE_OPTIONS                                                                                                \
    {.name = "machine-id", .value = "NAME", .help = "The name of this machine; its host name if not given"},           \
        {.name = "labels",                                                                                             \
         .value = "KEY=VALUE,...",                                                                                     \
         .repeatable = true,                                                                                           \
         .help = "What `deploy.labels` can ask of it"},                                                                \
        {.name = "listen",                                                                                             \
         .value = "ENDPOINT",                                                                                          \
         .repeatable = true,                                                                                           \
         .help = "Let other machines connect here, as tls/0.0.0.0:7447"},                                              \
        {.name = "connect",                                                                                            \
         .value = "ENDPOINT",                                                                                          \
         .repeatable = true,                                                                                           \
         .help = "Connect to another machine, as tls/base:7447"},                                                      \
        {.name = "coordinator", .help = "The coordinator is here, whatever --connect says"},                           \
        {.name = "zenoh-config", .value = "FILE", .help = "A zenoh configuration: certificates, access control"},      \
        {.name = "insecure", .help = "Allow clear text beyond this machine"},                                          \
        {.name = "zenoh-listen", .value = "IP[:PORT]", .help = "As --listen tcp/IP:PORT", .hidden = true},             \
        {.name = "zenoh-connect", .value = "ENDPOINT,...", .help = "As --connect for each", .hidden = true},           \
        {.name = "zenoh-config-overlay", .value = "PATH", .help = "As --zenoh-config", .hidden = true},                \
        {.name = "zenoh-no-multicast", .help = "So it is anyway", .hidden = true},                                     \
    {                                                                                                                  \
        .name = "zenoh-peer", .value = "ENDPOINT", .help = "Not acted on: use --listen and --connect", .hidden = true  \
    }

/* What --help says of them, from the beginning of a line. */
#define MACHINE_HELP                                                                                                   \
    "With --listen or --connect, the machine takes part in dataflows of several machines (docs/machines.md): the "     \
    "one\n"                                                                                                            \
    "that others connect to has the coordinator. An ENDPOINT is PROTOCOL/HOST:PORT. Clear text (tcp, udp, ws) is\n"    \
    "refused beyond this machine's loopback interface; with tls and quic, --zenoh-config has the certificates, "       \
    "which\n"                                                                                                          \
    "`dora cluster certs` makes.\n\n"

struct machine_options {
    char *name;      /* NULL: not given */
    char **labels;   /* "key=value", ended by NULL */
    bool is_joining; /* something of the gateway was given */
    struct agent_gateway gateway;
    char **listen, **connect, *config; /* what the gateway's point to */
};

/* False: reported. machine_options_free in any case. */
bool machine_options_read(const struct options *options, struct machine_options *machine);
void machine_options_free(struct machine_options *machine);

/* The same as arguments of `dora daemon`, ended by NULL; the caller frees the list, not what it points to. NULL: no
 * memory, which is reported. */
const char **machine_options_args(const struct machine_options *machine);

#endif
