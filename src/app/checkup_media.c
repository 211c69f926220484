#include "app/checkup.h"

#include "app/job_view.h"
#include "app/pool.h"
#include "base/json.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REPORT_MAX = 256 * 1024, PATIENCE_MS = 20000 };

static ms_t now_ms(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (ms_t)time.tv_sec * MS_SECOND + time.tv_nsec / 1000000;
}

/* Everything that comes until the end, or until patience is spent. */
static bool read_all(int fd, struct buffer *output)
{
    ms_t end = now_ms() + PATIENCE_MS;
    for (;;) {
        struct pollfd wanted = {.fd = fd, .events = POLLIN};
        ms_t left = end - now_ms();
        if (left <= 0 || poll(&wanted, 1, (int)left) <= 0)
            return false;
        char *room = buffer_room(output, 4096);
        ssize_t got = room ? read(fd, room, 4096) : -1;
        if (got < 0)
            return false;
        if (got == 0)
            return true;
        output->size += (size_t)got;
    }
}

/* The child's standard output; its errors stay ours. False with a word in *ret_why. */
static bool run(const struct config *config, struct buffer *output, const char **ret_why)
{
    const char *program = config->local.program;
    struct pool_arguments arguments;
    pool_arguments(config, "/tmp", &arguments);
    char *words[POOL_ARGUMENTS_MAX + 3] = {(char *)(uintptr_t)program,
                                           (char *)(uintptr_t) "--doctor"};
    for (unsigned n = 0; n < arguments.count; n++)
        words[n + 2] = (char *)(uintptr_t)arguments.words[n];
    char *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    int ends[2], status = 0;
    pid_t child;
    if (pipe(ends) != 0) {
        *ret_why = strerror(errno);
        return false;
    }
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_addclose(&actions, ends[0]);
    (void)posix_spawn_file_actions_addclose(&actions, ends[1]);
    int error = posix_spawn(&child, program, &actions, NULL, words, environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    bool good = error == 0 && read_all(ends[0], output);
    (void)close(ends[0]);
    if (error != 0) {
        *ret_why = strerror(error);
        return false;
    }
    if (!good)
        (void)kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    *ret_why = good ? "it said nothing that can be read" : "it did not end in time";
    return good;
}

static void check_cage(struct checkup *checkup, const json_t *cage, bool weak)
{
    json_t *layer;
    size_t index;
    json_array_foreach((json_t *)(uintptr_t)cage, index, layer) {
        bool present = json_is_true(json_object_get(layer, "present"));
        bool required = json_is_true(json_object_get(layer, "required"));
        const char *note = job_view_text(layer, "note");
        enum checkup_grade grade = present             ? CHECKUP_OK
                                   : required && !weak ? CHECKUP_FAIL
                                                       : CHECKUP_WARN;
        const char *hint = NULL;
        if (grade == CHECKUP_FAIL)
            hint = "A newer kernel or a less narrow container has it; --weak-cage does without.";
        else if (grade == CHECKUP_WARN)
            hint = "Renders still run; a hostile file could do more if it took a decoder over.";
        checkup_add(checkup, grade, "cage", hint, "%s%s%s%s", job_view_text(layer, "layer"),
                    present ? "" : " is missing", note[0] ? ": " : "", note);
    }
}

/* The scripts that lack a font, those of one package in one finding. */
static void check_fonts(struct checkup *checkup, const json_t *fonts)
{
    json_t *font, *other;
    size_t index, place, present = 0;
    json_array_foreach((json_t *)(uintptr_t)fonts, index, font) {
        const char *package = job_view_text(font, "install"), *scripts = "";
        bool told = false;
        if (json_is_true(json_object_get(font, "present"))) {
            present++;
            continue;
        }
        json_array_foreach((json_t *)(uintptr_t)fonts, place, other) {
            if (json_is_true(json_object_get(other, "present")) ||
                strcmp(job_view_text(other, "install"), package) != 0)
                continue;
            told = told || place < index;
            scripts = arena_print(&checkup->arena, "%s%s%s", scripts, scripts[0] ? ", " : "",
                                  job_view_text(other, "script"));
        }
        if (!told)
            checkup_add(checkup, index == 0 ? CHECKUP_FAIL : CHECKUP_WARN, "fonts",
                        arena_print(&checkup->arena, "apt-get install %s", package), "none for %s",
                        scripts);
    }
    if (present > 0)
        checkup_add(checkup, CHECKUP_OK, "fonts", NULL, "for %zu of %zu scripts", present,
                    json_array_size(fonts));
}

static void check_speech(struct checkup *checkup, const json_t *speech)
{
    const char *package = job_view_text(speech, "install");
    if (json_is_true(json_object_get(speech, "present")))
        checkup_add(checkup, CHECKUP_OK, "speech", NULL, "%s %s: %zu languages, %zu voices",
                    job_view_text(speech, "engine"), job_view_text(speech, "version"),
                    json_array_size(json_object_get(speech, "languages")),
                    json_array_size(json_object_get(speech, "voices")));
    else
        checkup_add(checkup, CHECKUP_WARN, "speech",
                    package[0] ? arena_print(&checkup->arena, "apt-get install %s", package) : NULL,
                    "local/speech does not work: %s", job_view_text(speech, "note"));
}

static void check_encoder(struct checkup *checkup, const json_t *encoder)
{
    const char *preset = job_view_text(encoder, "preset"), *note = job_view_text(encoder, "note");
    bool present = json_is_true(json_object_get(encoder, "present"));
    checkup_add(checkup, present ? CHECKUP_OK : CHECKUP_FAIL, "encoder",
                present ? NULL : "local.encoder and local.preset name another one.", "%s%s%s%s%s",
                job_view_text(encoder, "name"), preset[0] ? ", preset " : "", preset,
                note[0] ? ": " : "", note);
}

void checkup_media(struct checkup *checkup, const struct config *config)
{
    struct buffer output;
    char fault[JSON_FAULT_SIZE];
    const char *why = "", *program = config->local.program;
    if (access(program, X_OK) != 0) {
        checkup_add(checkup, CHECKUP_FAIL, "reel-media",
                    "Install it beside reel or in libexec, or set local.program.", "%s: %s",
                    program, strerror(errno));
        return;
    }
    buffer_init(&output, REPORT_MAX);
    const json_t *cage = NULL;
    json_t *report = NULL;
    if (run(config, &output, &why))
        report = json_read(buffer_span(&output), fault);
    cage = json_object_get(report, "cage");
    if (!report || !cage) {
        checkup_add(checkup, CHECKUP_FAIL, "reel-media", NULL, "%s does not work: %s", program,
                    why);
    } else {
        const char *version = job_view_text(report, "version");
        bool same = strcmp(version, REEL_VERSION) == 0;
        checkup_add(checkup, same ? CHECKUP_OK : CHECKUP_WARN, "reel-media",
                    same ? NULL : "Install both programs from one build.", "%s, version %s",
                    program, version);
        check_cage(checkup, cage, config->local.weak_cage);
        check_encoder(checkup, json_object_get(report, "encoder"));
        check_fonts(checkup, json_object_get(report, "fonts"));
        check_speech(checkup, json_object_get(report, "speech"));
    }
    json_decref(report);
    buffer_done(&output);
}
