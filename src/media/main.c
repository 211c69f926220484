/* reel-media: the program that renders and reads media for reel, in a cage of its own. See worker.h
 * for what it is told and what it answers. */
#include "base/span.h"
#include "media/doctor.h"
#include "media/font.h"
#include "media/worker.h"

#include <getopt.h>
#include <libavutil/log.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { EXIT_FINE, EXIT_UNSOUND, EXIT_USAGE };

struct options {
    const char *folder;
    struct encoder_choice encoder;
    int64_t memory_mb, file_bytes, cpu_seconds, pixels, side, user;
    bool doctor, weak, check;
};

static void print_usage(FILE *to)
{
    fputs("usage: reel-media --folder DIR [options]   render jobs, one JSON object a line\n"
          "       reel-media --doctor [--folder DIR]  report the cage, libraries and fonts\n"
          "\n"
          "  --memory-mb N         address space (4096)\n"
          "  --cpu-seconds N       processor time of one job (1800)\n"
          "  --max-output-bytes N  largest file written (2147483648)\n"
          "  --max-pixels N        largest input image (67108864)\n"
          "  --max-side N          its longest side (16384)\n"
          "  --encoder NAME        libav's H.264 encoder (libx264)\n"
          "  --preset NAME         of that encoder (veryfast)\n"
          "  --user N              user and group to become when started by root\n"
          "  --check-cage          enter the cage, say what it or the encoder lacks, and end\n"
          "  --weak-cage           go on where a required layer of the cage is missing\n"
          "  --version\n",
          to);
}

static bool read_number(const char *text, int64_t max, int64_t *ret_value)
{
    if (span_integer(span_of(text), 1, max, ret_value))
        return true;
    fprintf(stderr, "reel-media: '%s' is no whole number from 1 to %lld\n", text, (long long)max);
    return false;
}

enum option_key {
    OPTION_FOLDER,
    OPTION_ENCODER,
    OPTION_PRESET,
    OPTION_MEMORY,
    OPTION_CPU,
    OPTION_OUTPUT,
    OPTION_PIXELS,
    OPTION_SIDE,
    OPTION_USER,
    OPTION_CHECK,
    OPTION_DOCTOR,
    OPTION_WEAK,
    OPTION_VERSION,
    OPTION_HELP
};

static const struct option known_options[] = {
    {"folder", required_argument, NULL, OPTION_FOLDER},
    {"encoder", required_argument, NULL, OPTION_ENCODER},
    {"preset", required_argument, NULL, OPTION_PRESET},
    {"memory-mb", required_argument, NULL, OPTION_MEMORY},
    {"cpu-seconds", required_argument, NULL, OPTION_CPU},
    {"max-output-bytes", required_argument, NULL, OPTION_OUTPUT},
    {"max-pixels", required_argument, NULL, OPTION_PIXELS},
    {"max-side", required_argument, NULL, OPTION_SIDE},
    {"user", required_argument, NULL, OPTION_USER},
    {"check-cage", no_argument, NULL, OPTION_CHECK},
    {"doctor", no_argument, NULL, OPTION_DOCTOR},
    {"weak-cage", no_argument, NULL, OPTION_WEAK},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

/* An option that is a number; false when it is none of those, or not a good one. */
static bool read_limit(int option, struct options *options)
{
    switch (option) {
    case OPTION_MEMORY:
        return read_number(optarg, 1 << 20, &options->memory_mb);
    case OPTION_CPU:
        return read_number(optarg, 1 << 20, &options->cpu_seconds);
    case OPTION_OUTPUT:
        return read_number(optarg, (int64_t)1 << 40, &options->file_bytes);
    case OPTION_PIXELS:
        return read_number(optarg, (int64_t)PLANE_SIDE_MAX * PLANE_SIDE_MAX, &options->pixels);
    case OPTION_SIDE:
        return read_number(optarg, PLANE_SIDE_MAX, &options->side);
    case OPTION_USER:
        return read_number(optarg, (int64_t)UINT32_MAX - 1, &options->user);
    default:
        return false;
    }
}

/* 0 to go on, or an exit status plus one. */
static int read_options(int count, char **arguments, struct options *options)
{
    int option;
    bool sound = true;
    while (sound && (option = getopt_long(count, arguments, "", known_options, NULL)) >= 0) {
        switch (option) {
        case OPTION_FOLDER:
            options->folder = optarg;
            break;
        case OPTION_ENCODER:
            options->encoder.name = optarg;
            break;
        case OPTION_PRESET:
            options->encoder.preset = optarg;
            break;
        case OPTION_CHECK:
            options->check = true;
            break;
        case OPTION_DOCTOR:
            options->doctor = true;
            break;
        case OPTION_WEAK:
            options->weak = true;
            break;
        case OPTION_VERSION:
            puts("reel-media " REEL_VERSION);
            return EXIT_FINE + 1;
        case OPTION_HELP:
            print_usage(stdout);
            return EXIT_FINE + 1;
        default:
            sound = read_limit(option, options);
        }
    }
    if (sound && optind == count && (options->folder || options->doctor))
        return 0;
    print_usage(stderr);
    return EXIT_USAGE + 1;
}

/* Inside the cage, where it will have to work. */
static bool check_encoder(const struct encoder_choice *choice)
{
    struct failure failure = {0};
    if (encoder_try(choice, &failure))
        return true;
    fprintf(stderr, "reel-media: the encoder %s%s%s: %s\n", encoder_name(choice),
            choice->preset ? " with preset " : "", choice->preset ? choice->preset : "",
            failure.text);
    return false;
}

static void tell_missing(const struct cage *cage)
{
    for (int i = 0; i < CAGE_LAYER_COUNT; i++) {
        if (!cage->present[i] && cage_is_required((enum cage_layer)i))
            fprintf(stderr, "reel-media: the cage lacks %s: %s\n", cage_word((enum cage_layer)i),
                    cage->note[i]);
    }
}

int main(int count, char **arguments)
{
    struct options options = {
        .memory_mb = 4096,
        .file_bytes = (int64_t)2 << 30,
        .cpu_seconds = 1800,
        .pixels = image_limits_default.pixels_max,
        .side = image_limits_default.side_max,
    };
    int status = read_options(count, arguments, &options);
    if (status > 0)
        return status - 1;
    signal(SIGPIPE, SIG_IGN);
    av_log_set_level(AV_LOG_QUIET);
    /* Each arena of the allocator reserves 64 MB of addresses, which the memory limit counts. */
    mallopt(M_ARENA_MAX, 2);
    struct worker worker = {.limits = image_limits_default, .input = 0, .output = 1};
    worker.encoder = options.encoder;
    const char *folder = options.folder ? options.folder : ".";
    if (!folder_open(folder, &worker.folder)) {
        fprintf(stderr, "reel-media: the folder %s can not be opened\n", folder);
        return EXIT_UNSOUND;
    }
    worker.limits.pixels_max = options.pixels;
    worker.limits.side_max = (int)options.side;
    struct cage_settings settings = {
        .folder_fd = worker.folder.fd,
        .memory_bytes = (uint64_t)options.memory_mb << 20,
        .file_bytes = (uint64_t)options.file_bytes,
        .cpu_seconds = (unsigned)options.cpu_seconds,
        .user = (unsigned)options.user,
    };
    struct cage cage;
    bool caged = cage_enter(&settings, &cage);
    if (options.doctor) {
        bool sound = doctor_report(&cage, &options.encoder);
        font_done();
        return sound ? EXIT_FINE : EXIT_UNSOUND;
    }
    if (!caged && !options.weak) {
        tell_missing(&cage);
        return EXIT_UNSOUND;
    }
    if (options.check)
        return check_encoder(&options.encoder) ? EXIT_FINE : EXIT_UNSOUND;
    worker.cage = &cage;
    worker_run(&worker);
    font_done();
    folder_close(&worker.folder);
    return EXIT_FINE;
}
