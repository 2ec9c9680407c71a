/* What the operators send one another. */
#ifndef FRAME_H
#define FRAME_H

#include <stdint.h>

enum { WIDTH = 640, HEIGHT = 480 }; /* a frame: a byte a pixel */

struct spot {
    uint64_t taken; /* when its frame was sent, NTP64 */
    uint32_t x, y;
};

#endif
