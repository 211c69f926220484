/* Files that somebody else made, a provider of models: what each is by its own bytes (names and
 * declared types lie), whether it decodes, how it differs from what was asked, and a thumbnail.
 *
 *   {"op":"inspect","dir":"gen_….1","files":["file-0"],
 *    "wish":{"media":"video","duration":5,"width":1280,"height":720,"fps":24,"sound":true,
 *            "side":720,"aspect":1.7778}}          each where it was asked for; inspect.h
 *
 * What is no image, sound or film (a web page, JSON, a playlist, SVG), is cut off or does not
 * decode at all is a failure: output_invalid. It was paid for, so all else is a warning: what only
 * differs, what decodes in part, what is too large to be looked at. The files stay as they are;
 * thumbnails are written beside them. */
#ifndef MEDIA_FOREIGN_H
#define MEDIA_FOREIGN_H

#include "media/job.h"

enum { FOREIGN_FILES_MAX = 8 };

struct foreign_file {
    char file[JOB_PATH_MAX + 16];
    char thumbnail[JOB_PATH_MAX + 16]; /* empty: there is nothing to see, or it was not looked at */
    struct probe probe;
};

struct foreign {
    struct foreign_file files[FOREIGN_FILES_MAX];
    int count;
};

/* Fills *ret_foreign, in the order of the request, and the job's warnings. */
bool foreign_inspect(struct job *job, const json_t *request, struct foreign *ret_foreign);

#endif
