/* Writes the last image it receives as out/last.png, and out/sheet.png with nine frames on one page. It keeps samples
 * beyond their events: their memory stays readable, uncopied, until it lets go of them. */
#include <dora/dora.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "png.h"

enum { COLUMNS = 3, ROWS = 3, EVERY = 6 }; /* the sheet, and how many frames lie between two of its pictures */

struct size {
    int64_t width, height;
};

static struct size size_of(const dora_event *event)
{
    struct size size = {0, 0};
    const dora_param *width = dora_params_get(dora_event_params(event), "width");
    const dora_param *height = dora_params_get(dora_event_params(event), "height");
    if (!width || width->kind != DORA_PARAM_INT || !height || height->kind != DORA_PARAM_INT)
        return size;
    size.width = width->value.integer;
    size.height = height->value.integer;
    if (size.width < 1 || size.width > 16384 || size.height < 1 || size.height > 16384 ||
        dora_event_size(event) != (size_t)(3 * size.width * size.height))
        size.width = size.height = 0;
    return size;
}

/* Puts the image, a third as wide and as high, at its place on the sheet, which is as large as one image. */
static void add_to_sheet(unsigned char *sheet, const unsigned char *image, struct size size, int place)
{
    int64_t stride = 3 * size.width, width = size.width / COLUMNS, height = size.height / ROWS;
    unsigned char *corner = sheet + place / COLUMNS * height * stride + place % COLUMNS * 3 * width;
    for (int64_t y = 0; y < height; y++)
        for (int64_t i = 0; i < 3 * width; i++) {
            const unsigned char *from = image + y * ROWS * stride + i / 3 * 3 * COLUMNS + i % 3;
            int sum = 0;
            for (int64_t dy = 0; dy < ROWS; dy++)
                for (int64_t dx = 0; dx < COLUMNS; dx++)
                    sum += from[dy * stride + 3 * dx];
            corner[y * stride + i] = (unsigned char)(sum / (ROWS * COLUMNS));
        }
}

static int write_picture(const char *path, const unsigned char *pixels, struct size size)
{
    int rc = png_write(path, pixels, (uint32_t)size.width, (uint32_t)size.height);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", path, strerror(-rc));
    else
        printf("wrote %s\n", path);
    return rc;
}

int main(void)
{
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    dora_sample *last = NULL;
    unsigned char *sheet = NULL;
    struct size size = {0, 0};
    int frames = 0, status = 0;
    dora_event *event;
    while (status == 0 && dora_next(node, &event, DORA_FOREVER) == 0) {
        struct size this_size = {0, 0};
        if (dora_event_type(event) == DORA_EVENT_INPUT)
            this_size = size_of(event);
        if (frames == 0 && this_size.width) {
            size = this_size;
            sheet = calloc((size_t)size.width * (size_t)size.height, 3);
            status = sheet ? 0 : 1;
        }
        if (status == 0 && this_size.width && this_size.width == size.width && this_size.height == size.height) {
            if (frames % EVERY == 0 && frames / EVERY < ROWS * COLUMNS)
                add_to_sheet(sheet, dora_event_data(event, NULL), size, frames / EVERY);
            dora_sample_release(last);
            last = dora_event_keep(event);
            frames++;
        }
        dora_event_free(event);
    }
    printf("received %d frames\n", frames);
    mkdir("out", 0777); /* It may be there; what matters shows when a file is written. */
    if (status != 0 || !last || write_picture("out/last.png", dora_sample_data(last), size) < 0 ||
        write_picture("out/sheet.png", sheet, size) < 0)
        status = 1;
    dora_sample_release(last);
    free(sheet);
    dora_node_close(node);
    return status;
}
