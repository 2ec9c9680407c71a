/* The name under which dora's users include its C operator interface. */
#include "dora/operator_api.h"
