// For builds that compile a bridge, as dora-rs's C++ interface needs one: here everything is in the header.
#include "dora-node-api.h"
