/* Draws the edges of each image over a dimmed copy of it (the Sobel operator, on each colour). It reads the camera's
 * memory in place and writes into a loan of its own. */
#include <dora/dora.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void draw_edges(unsigned char *out, const unsigned char *in, int64_t width, int64_t height)
{
    int64_t stride = 3 * width;
    memset(out, 0, (size_t)stride);
    memset(out + (height - 1) * stride, 0, (size_t)stride);
    for (int64_t y = 1; y < height - 1; y++) {
        const unsigned char *row = in + y * stride;
        unsigned char *to = out + y * stride;
        memset(to, 0, 3);
        memset(to + stride - 3, 0, 3);
        for (int64_t i = 3; i < stride - 3; i++) {
            const unsigned char *up = row + i - stride, *here = row + i, *down = row + i + stride;
            int gx = up[3] + 2 * here[3] + down[3] - up[-3] - 2 * here[-3] - down[-3];
            int gy = down[-3] + 2 * down[0] + down[3] - up[-3] - 2 * up[0] - up[3];
            int value = here[0] / 3 + abs(gx) + abs(gy);
            to[i] = (unsigned char)(value > 255 ? 255 : value);
        }
    }
}

static int64_t parameter(const dora_event *event, const char *key)
{
    const dora_param *param = dora_params_get(dora_event_params(event), key);
    return param && param->kind == DORA_PARAM_INT ? param->value.integer : 0;
}

/* Nothing that comes from another node is believed unchecked. */
static int handle_image(dora_node *node, const dora_event *event)
{
    size_t size;
    const unsigned char *in = dora_event_data(event, &size);
    int64_t width = parameter(event, "width"), height = parameter(event, "height");
    if (width < 2 || width > 16384 || height < 2 || height > 16384 || size != (size_t)(3 * width * height)) {
        fprintf(stderr, "skipped an image of %zu bytes that says it is %lld × %lld\n", size, (long long)width,
                (long long)height);
        return 0;
    }
    dora_sample *image;
    int rc = dora_loan(node, size, &image);
    if (rc < 0)
        return rc;
    draw_edges(dora_sample_data(image), in, width, height);
    return dora_send_sample(node, "image", image, NULL, dora_event_params(event));
}

int main(void)
{
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    int rc = 0;
    dora_event *event;
    while (rc == 0 && dora_next(node, &event, DORA_FOREVER) == 0) {
        if (dora_event_type(event) == DORA_EVENT_INPUT)
            rc = handle_image(node, event);
        dora_event_free(event);
    }
    if (rc < 0)
        fprintf(stderr, "%s\n", dora_node_error(node));
    dora_node_close(node);
    return rc < 0 ? 1 : 0;
}
