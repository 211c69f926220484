/* One request being worked on: where it may read and write, what was asked, whom to tell, and what
 * came of it. A renderer gets one, makes its file, and leaves the rest to job_complete. */
#ifndef MEDIA_JOB_H
#define MEDIA_JOB_H

#include "media/failure.h"
#include "media/film.h"
#include "media/folder.h"
#include "media/image.h"
#include "media/inspect.h"
#include "media/plane.h"
#include "media/probe.h"
#include "media/report.h"

#include <jansson.h>

enum { JOB_PATH_MAX = 512, JOB_WARNINGS_MAX = 8, JOB_WARNING_SIZE = 240, JOB_EXTRAS_MAX = 4 };

/* A further output, beside the one that was asked for. */
struct job_extra {
    char file[JOB_PATH_MAX + 16];
    const char *content_type;
    int64_t bytes;
};

struct job {
    const struct folder *folder;
    const struct image_limits *limits;
    const char *directory; /* for the outputs, relative to the folder */
    const json_t *input;   /* canonical parameters */
    uint64_t seed;
    struct encoder_choice encoder;
    struct inspect_wish wish; /* for the check of what was made; filled by the renderer */
    struct report *report;
    struct failure failure;
    /* The outcome. */
    char file[JOB_PATH_MAX + 16], thumbnail[JOB_PATH_MAX + 16];
    struct probe output;
    struct job_extra extras[JOB_EXTRAS_MAX];
    int extra_count;
    char *words; /* of speech: their times as a JSON array; owned, or NULL */
    char frames_hash[FILM_HASH_SIZE];
    char warnings[JOB_WARNINGS_MAX][JOB_WARNING_SIZE];
    int warning_count;
};

/* More than JOB_WARNINGS_MAX are dropped. */
void job_warn(struct job *job, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Parameters, checked once more: the worker trusts no request. A value that is missing or null
 * becomes `fallback`; a wrong one is a failure that names the parameter and its range. */
bool job_integer(struct job *job, const char *name, int min, int max, int fallback, int *ret_value);
struct job_range {
    double min, max, fallback;
};
bool job_number(struct job *job, const char *name, struct job_range range, double *ret_value);
/* Borrowed from the request; NULL when it is missing and not required. Valid UTF-8 without NUL. */
bool job_text(struct job *job, const char *name, bool required, const char **ret_text);

/* Size, rate and length that every film has; an odd size is rounded down with a warning. */
bool job_film(struct job *job, struct film *film);

/* Files of the folder that the request names: the text `one`, or the list `many` of up to
 * JOB_FILES_MAX, exactly one of the two. `field` is what failures name: "imageUrl", "imageUrls[2]".
 */
enum { JOB_FILES_MAX = 20, JOB_FIELD_SIZE = 32 };
struct job_file {
    const char *path; /* borrowed from the request */
    char field[JOB_FIELD_SIZE];
};
bool job_files(struct job *job, const char *one, const char *many,
               struct job_file files[static JOB_FILES_MAX], int *ret_count);
/* Reads one of them as an image. */
bool job_image(struct job *job, const struct job_file *file, struct picture *ret_picture);

/* Takes the request's folder for the outputs; false, with a failure, for no good path. */
bool job_directory(struct job *job, const char *directory);
/* Opens `name` in the job's directory for the output. */
bool job_create(struct job *job, const char *name, int *ret_fd);
/* Writes a further output, such as subtitles; at most JOB_EXTRAS_MAX. `content_type` lives as long
 * as the program. */
bool job_attach(struct job *job, const char *name, const char *content_type, const void *data,
                size_t size);
/* Reads the finished output back: its facts, its check (inspect.h) and its thumbnail. */
bool job_complete(struct job *job);
/* Removes what a failed job left. */
void job_discard(struct job *job);

#endif
