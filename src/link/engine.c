#include "link/net.h"

/* The build says which engine it took (CMakeLists.txt). */
const char *net_engine(void)
{
#ifdef DORA_NET_ENGINE
    return DORA_NET_ENGINE;
#else
    return NULL;
#endif
}
