/* The name under which dora's users include its C node interface. */
#include "dora/node_api.h"
