/* The name under which dora's users include the types of its C operator interface. */
#include "dora/operator_types.h"
