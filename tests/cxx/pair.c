#include "pair.h"

#include <stdlib.h>

#include "node/stand.h"

struct pair {
    struct stand stand;
};

struct pair *pair_open(dora_node **source, dora_node **sink)
{
    struct pair *pair = calloc(1, sizeof *pair);
    if (!pair)
        abort();
    pair->stand = (struct stand){
        .count = 2,
        .nodes = {{.id = "source", .outputs = {{"out"}, {"other"}}}, {.id = "sink", .inputs = {{"in"}, {"second"}}}}};
    stand_open(&pair->stand);
    stand_link(&pair->stand, 0, 1, (struct link_edge[]){{0, 0, 8, LINK_BACKPRESSURE}, {1, 1, 8, LINK_DROP_OLDEST}}, 2);
    stand_start(&pair->stand);
    *source = pair->stand.nodes[0].node;
    *sink = pair->stand.nodes[1].node;
    pair->stand.nodes[0].node = pair->stand.nodes[1].node = NULL;
    return pair;
}

void pair_stop(struct pair *pair)
{
    stand_tell(&pair->stand, 1, (struct proto_packet){.type = PROTO_STOP});
}

void pair_close(struct pair *pair)
{
    stand_close(&pair->stand);
    free(pair);
}
