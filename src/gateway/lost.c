#include "gateway/lost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOST_MOST = 1000 };

static const int64_t LOST_PATIENCE = 600 * CLOCK_SECOND;

struct lost {
    struct lost *next;
    char *machine, *address;
    int64_t since_ns;
};

static void forget(struct lost **at)
{
    struct lost *lost = *at;
    *at = lost->next;
    free(lost->machine);
    free(lost->address);
    free(lost);
}

void lost_found(struct lost **list, const char *machine)
{
    struct lost **at = list;
    while (*at && strcmp((*at)->machine, machine) != 0)
        at = &(*at)->next;
    if (*at)
        forget(at);
}

void lost_add(struct lost **list, const char *machine, const char *address, int64_t now)
{
    size_t count = 0;
    lost_found(list, machine);
    for (const struct lost *lost = *list; lost; lost = lost->next)
        count++;
    struct lost *lost = count < LOST_MOST ? malloc(sizeof *lost) : NULL;
    if (!lost)
        return;
    *lost = (struct lost){.next = *list, .machine = strdup(machine), .address = strdup(address), .since_ns = now};
    *list = lost;
    if (!lost->machine || !lost->address)
        forget(list);
}

void lost_reach(struct lost **list, struct gateway *gateway, int64_t now)
{
    for (struct lost **at = list; *at;) {
        const struct lost *lost = *at;
        struct error error = ERROR_INIT;
        bool is_wanted = now - lost->since_ns < LOST_PATIENCE || flows_has(gateway->flows, lost->machine);
        if (is_wanted && net_reach(gateway->net, lost->address, &error) < 0) {
            fprintf(stderr, "dora-gateway: machine %s is not looked for: %s\n", lost->machine, error.message);
            is_wanted = false;
        }
        if (is_wanted)
            at = &(*at)->next;
        else
            forget(at);
    }
}

void lost_free(struct lost **list)
{
    while (*list)
        forget(list);
}
