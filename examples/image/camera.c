/* Renders moving shapes, 1280 × 720 RGB, straight into the shared memory that its receivers will read. Ends after as
 * many frames as it is told. */
#include <dora/dora.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 1280, HEIGHT = 720, BALLS = 6 };

static const unsigned char colors[BALLS][3] = {
    {230, 70, 60}, {60, 180, 90}, {70, 120, 230}, {240, 190, 50}, {170, 80, 200}, {60, 190, 200},
};

/* A triangle wave: where something is that bounces between 0 and `most`. */
static int bounce(int position, int most)
{
    int phase = position % (2 * most);
    return phase < most ? phase : 2 * most - phase;
}

static void render(unsigned char *pixels, int frame)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            unsigned char *pixel = pixels + 3 * (y * WIDTH + x);
            unsigned char shade =
                (unsigned char)(24 + 40 * y / HEIGHT + (((x + 4 * frame) / 80 + y / 80) % 2 ? 14 : 0));
            pixel[0] = shade;
            pixel[1] = shade;
            pixel[2] = (unsigned char)(shade + 24);
        }
    for (int i = 0; i < BALLS; i++) {
        int radius = 50 + 12 * i;
        int cx = radius + bounce(170 * i + (9 + 2 * i) * frame, WIDTH - 2 * radius);
        int cy = radius + bounce(90 * i + (6 + 3 * i) * frame, HEIGHT - 2 * radius);
        for (int y = cy - radius; y < cy + radius; y++)
            for (int x = cx - radius; x < cx + radius; x++) {
                int dx = x - cx, dy = y - cy, d2 = dx * dx + dy * dy;
                if (d2 >= radius * radius || (i % 2 && abs(dx) + abs(dy) < radius / 2))
                    continue; /* every other ball has a diamond cut out */
                for (int c = 0; c < 3; c++)
                    pixels[3 * (y * WIDTH + x) + c] =
                        (unsigned char)(colors[i][c] - colors[i][c] * d2 / radius / radius / 2);
            }
    }
}

static int send_frame(dora_node *node, const dora_params *params, int frame)
{
    dora_sample *image;
    int rc = dora_loan(node, 3 * WIDTH * HEIGHT, &image);
    if (rc < 0)
        return rc;
    render(dora_sample_data(image), frame);
    return dora_send_sample(node, "image", image, NULL, params);
}

int main(int argc, char **argv)
{
    int frames = argc > 1 ? atoi(argv[1]) : 60;
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    dora_params *params = dora_params_new();
    int rc = params ? 0 : -1;
    if (rc == 0)
        rc = dora_params_set_int(params, "width", WIDTH);
    if (rc == 0)
        rc = dora_params_set_int(params, "height", HEIGHT);
    int frame = 0;
    dora_event *event;
    while (rc == 0 && frame < frames && dora_next(node, &event, DORA_FOREVER) == 0) {
        if (dora_event_type(event) == DORA_EVENT_INPUT)
            rc = send_frame(node, params, frame++);
        dora_event_free(event);
    }
    if (rc < 0)
        fprintf(stderr, "frame %d: %s\n", frame, dora_node_error(node));
    printf("sent %d frames of %d × %d\n", frame, WIDTH, HEIGHT);
    dora_params_free(params);
    dora_node_close(node);
    return rc < 0 ? 1 : 0;
}
