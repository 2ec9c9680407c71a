/* Writes an RGB image as a PNG file, uncompressed, with nothing but libc. 0 or a negative errno. */
#ifndef PNG_H
#define PNG_H

#include <stdint.h>

int png_write(const char *path, const unsigned char *rgb, uint32_t width, uint32_t height);

#endif
