/* The measuring side of bench/kenburns.sh.
 *
 *   kenburns-measure pattern W H FILE.png    a smooth random texture, the same each time
 *   kenburns-measure render IMAGE MOTION     150 frames of 1280 × 720, drawn and thrown away
 *   kenburns-measure frames IMAGE MOTION     the same frames' luma to standard output
 *   kenburns-measure jitter W H X Y          reads such luma frames from standard input, follows
 * the 192 × 144 patch around (X, Y) and prints the root mean square and the largest second
 * difference of its way, in pixels
 *
 * The displacement from one frame to the next is found by gradient registration: Gauss-Newton steps
 * on the squared difference, with cubic interpolation. The texture holds no detail finer than eight
 * pixels, so the estimate is good to about a thousandth of a pixel; `jitter` proves it on request:
 *
 *   kenburns-measure check                   displacements made by arithmetic, found again */
#include "base/rng.h"
#include "media/image.h"
#include "media/kenburns.h"
#include "media/save.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WIDTH = 1280,
    HEIGHT = 720,
    FPS = 30,
    FRAMES = 150,
    PATCH_WIDTH = 192,
    PATCH_HEIGHT = 144,
    WAVES = 90,
    STEPS = 12,
};

struct wave {
    double x, y, phase, height;
};

/* Plane waves of many directions, lengths from 10 to 160 pixels of a 1920 pixel picture. */
static void make_waves(struct wave waves[WAVES])
{
    struct rng rng;
    rng_init(&rng, 2026);
    for (int i = 0; i < WAVES; i++) {
        double length = 10 * pow(16, rng_unit(&rng)), turn = 2 * M_PI * rng_unit(&rng);
        waves[i] = (struct wave){2 * M_PI * cos(turn) / length, 2 * M_PI * sin(turn) / length,
                                 2 * M_PI * rng_unit(&rng), sqrt(length) * 0.9};
    }
}

static double wave_sum(const struct wave waves[WAVES], double x, double y)
{
    double sum = 0;
    for (int i = 0; i < WAVES; i++)
        sum += waves[i].height * sin(waves[i].x * x + waves[i].y * y + waves[i].phase);
    return sum;
}

static int make_pattern(int width, int height, const char *path)
{
    struct wave waves[WAVES];
    struct picture picture;
    struct failure failure = {0};
    make_waves(waves);
    if (!picture_make(width, height, &picture))
        return 1;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            double value = 128 + 1.6 * wave_sum(waves, x, y);
            uint8_t byte = (uint8_t)fmin(fmax(value, 0), 255);
            for (int i = 0; i < PICTURE_PLANES; i++)
                plane_row(&picture.plane[i], y)[x] = byte;
        }
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    bool done = fd >= 0 && save_png(&picture, fd, &failure);
    picture_free(&picture);
    return done ? 0 : 1;
}

static void draw_and_write(void *context, int thread, int frame, struct plane yuv[3])
{
    kenburns_draw(context, thread, frame, yuv);
    for (int y = 0; y < yuv[0].height; y++)
        fwrite(plane_row(&yuv[0], y), 1, (size_t)yuv[0].width, stdout);
}

static int render(const char *path, const char *motion, bool write)
{
    struct film film = {.width = WIDTH, .height = HEIGHT, .fps = FPS, .frames = FRAMES};
    struct motion_wish wish = {.easing = MOTION_LINEAR, .zoom = 1.25, .duration = 5, .seed = 1};
    struct failure failure = {0};
    struct picture picture;
    struct kenburns_shot shot;
    struct kenburns *kenburns = NULL;
    char hash[FILM_HASH_SIZE];
    int fd = open(path, O_RDONLY);
    /* One thread writes the frames in their order. */
    film.threads = write ? 1 : film_threads();
    film.draw = write ? draw_and_write : kenburns_draw;
    struct sequence alone = kenburns_share(&film, 1, 0);
    bool done = fd >= 0 && motion_kind_find(motion, &wish.kind) &&
                image_read(fd, "image", &image_limits_default, &failure, &picture) &&
                kenburns_prepare(&picture, &wish, &film, &shot) &&
                (kenburns = kenburns_make(&film, &alone, &shot));
    film.context = kenburns;
    done = done && film_make(&film, -1, &failure, hash);
    kenburns_free(kenburns);
    if (!done)
        fprintf(stderr, "kenburns-measure: %s\n", failure.text);
    return done ? 0 : 1;
}

static double cubic(const double p[4], double t)
{
    return p[1] + 0.5 * t *
                      (p[2] - p[0] +
                       t * (2 * p[0] - 5 * p[1] + 4 * p[2] - p[3] +
                            t * (3 * (p[1] - p[2]) + p[3] - p[0])));
}

static double sample(const uint8_t *image, int width, int height, double x, double y)
{
    int left = (int)floor(x), top = (int)floor(y);
    double rows[4];
    for (int j = 0; j < 4; j++) {
        double row[4];
        for (int i = 0; i < 4; i++) {
            int at_x = left - 1 + i, at_y = top - 1 + j;
            at_x = at_x < 0 ? 0 : at_x >= width ? width - 1 : at_x;
            at_y = at_y < 0 ? 0 : at_y >= height ? height - 1 : at_y;
            row[i] = image[(size_t)at_y * (size_t)width + (size_t)at_x];
        }
        rows[j] = cubic(row, x - left);
    }
    return cubic(rows, y - top);
}

struct way {
    double x, y;
};

/* How far the patch around (x, y) of `from` has gone in `to`; `guess` is where to begin. */
static struct way follow(const uint8_t *from, const uint8_t *to, int width, int height,
                         struct way centre, struct way guess)
{
    struct way way = guess;
    for (int step = 0; step < STEPS; step++) {
        double xx = 0, xy = 0, yy = 0, xe = 0, ye = 0;
        for (int j = 0; j < PATCH_HEIGHT; j += 2) {
            for (int i = 0; i < PATCH_WIDTH; i += 2) {
                int x = (int)centre.x - PATCH_WIDTH / 2 + i;
                int y = (int)centre.y - PATCH_HEIGHT / 2 + j;
                double at_x = x + way.x, at_y = y + way.y;
                double value = sample(to, width, height, at_x, at_y);
                double gx = (sample(to, width, height, at_x + 0.5, at_y) -
                             sample(to, width, height, at_x - 0.5, at_y));
                double gy = (sample(to, width, height, at_x, at_y + 0.5) -
                             sample(to, width, height, at_x, at_y - 0.5));
                double error = from[(size_t)y * (size_t)width + (size_t)x] - value;
                xx += gx * gx;
                xy += gx * gy;
                yy += gy * gy;
                xe += gx * error;
                ye += gy * error;
            }
        }
        double determinant = xx * yy - xy * xy;
        if (determinant < 1e-9)
            break;
        double dx = (yy * xe - xy * ye) / determinant, dy = (xx * ye - xy * xe) / determinant;
        way.x += dx;
        way.y += dy;
        if (fabs(dx) + fabs(dy) < 1e-5)
            break;
    }
    return way;
}

static int jitter(int width, int height, double x, double y)
{
    size_t size = (size_t)width * (size_t)height;
    uint8_t *old = malloc(size), *new = malloc(size);
    struct way way = {0, 0}, last = {0, 0};
    double squares = 0, largest = 0;
    int frames = 0, count = 0;
    while (old && new &&fread(new, 1, size, stdin) == size) {
        if (frames > 0)
            way = follow(old, new, width, height, (struct way){x, y}, way);
        if (frames > 1) {
            double second = hypot(way.x - last.x, way.y - last.y);
            squares += second * second;
            largest = fmax(largest, second);
            count++;
        }
        last = way;
        frames++;
        uint8_t *other = old;
        old = new;
        new = other;
    }
    free(old);
    free(new);
    if (count == 0)
        return 1;
    printf("%.5f %.5f %d\n", sqrt(squares / count), largest, frames);
    return 0;
}

/* Frames computed directly from the waves at known positions: what the estimator itself adds. */
static int check(void)
{
    enum { SIDE = 320, MOVES = 12 };
    static uint8_t frame[2][SIDE * SIDE];
    struct wave waves[WAVES];
    make_waves(waves);
    double squares = 0;
    for (int n = 0; n <= MOVES; n++) {
        for (int i = 0; i < SIDE * SIDE; i++) {
            double value = wave_sum(waves, i % SIDE + 0.137 * n, i / SIDE - 0.071 * n);
            frame[n % 2][i] = (uint8_t)lrint(fmin(fmax(128 + 1.6 * value, 0), 255));
        }
        if (n == 0)
            continue;
        struct way found = follow(frame[(n + 1) % 2], frame[n % 2], SIDE, SIDE,
                                  (struct way){SIDE / 2, SIDE / 2}, (struct way){0, 0});
        squares += pow(found.x + 0.137, 2) + pow(found.y - 0.071, 2);
    }
    printf("%.5f\n", sqrt(squares / MOVES));
    return 0;
}

int main(int count, char **arguments)
{
    const char *mode = count > 1 ? arguments[1] : "";
    if (strcmp(mode, "pattern") == 0 && count == 5)
        return make_pattern((int)strtol(arguments[2], NULL, 10),
                            (int)strtol(arguments[3], NULL, 10), arguments[4]);
    if (strcmp(mode, "render") == 0 && count == 4)
        return render(arguments[2], arguments[3], false);
    if (strcmp(mode, "frames") == 0 && count == 4)
        return render(arguments[2], arguments[3], true);
    if (strcmp(mode, "jitter") == 0 && count == 6)
        return jitter((int)strtol(arguments[2], NULL, 10), (int)strtol(arguments[3], NULL, 10),
                      strtod(arguments[4], NULL), strtod(arguments[5], NULL));
    if (strcmp(mode, "check") == 0)
        return check();
    fputs("usage: kenburns-measure pattern|render|frames|jitter|check …\n", stderr);
    return 2;
}
