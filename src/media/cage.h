/* What keeps a decoder that a hostile file has taken over from doing harm: layers that the process
 * puts on itself before it reads the first request, and can not take off again.
 *
 *   rlimits        memory, processor time, file size, open files, no core dumps
 *   network        a network namespace of its own, with nothing in it
 *   user           another user than the server's, where that is root; no capability in any case
 *   no_new_privs   no program gives more rights than we have
 *   landlock       the folder is read and written, fonts and libraries are read, the rest of the
 *                  file system is closed; no signal and no socket leaves the process
 *   seccomp        only the system calls that rendering needs: sockets answer EPERM, starting a
 *                  program or a process, and tracing one, kill; files can be made and not be
 *                  deleted or renamed, so that the server can weigh all that was written
 *
 * What stays open: whether a file outside exists, and how large it is, can be asked where its
 * folder lets the worker's user in (neither Landlock nor seccomp can tell one path from another
 * there), and one worker's jobs share a folder. */
#ifndef MEDIA_CAGE_H
#define MEDIA_CAGE_H

#include <stdbool.h>
#include <stdint.h>

#define CAGE_LAYERS(X)                                                                             \
    X(CAGE_RLIMITS, "rlimits", true)                                                               \
    X(CAGE_NETWORK, "network", false)                                                              \
    X(CAGE_USER, "user", false)                                                                    \
    X(CAGE_NO_NEW_PRIVS, "no_new_privs", true)                                                     \
    X(CAGE_LANDLOCK, "landlock", true)                                                             \
    X(CAGE_SECCOMP, "seccomp", true)

#define X(name, word, required) name,
enum cage_layer { CAGE_LAYERS(X) CAGE_LAYER_COUNT };
#undef X

struct cage_settings {
    int folder_fd;         /* of the work folder */
    uint64_t memory_bytes; /* address space; not limited in builds with sanitizers */
    uint64_t file_bytes;   /* the largest file that may be written */
    unsigned cpu_seconds;  /* of one job */
    unsigned user;         /* to become when we are root, also as group; 0: stay */
};

struct cage {
    bool present[CAGE_LAYER_COUNT];
    char note[CAGE_LAYER_COUNT][120]; /* why not, or which version */
    unsigned cpu_seconds;
};

const char *cage_word(enum cage_layer layer);
bool cage_is_required(enum cage_layer layer);

/* Puts on every layer that can be put on, before any thread is started. False when a required one
 * is missing; `ret_cage` says which in any case. */
bool cage_enter(const struct cage_settings *settings, struct cage *ret_cage);
/* Gives the next job its own share of processor time: that of the settings, or `cpu_seconds` where
 * that is more. */
void cage_begin_job(const struct cage *cage, int64_t cpu_seconds);

#endif
