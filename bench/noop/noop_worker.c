/* Stands in for reel-media where a measurement wants jobs that cost nothing: each job is answered
 * with an output of a few bytes, at once or after input.milliseconds. It speaks the protocol of
 * edge/worker.h and takes any arguments, --check-cage among them (then its input is empty). */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_SIZE = 1 << 20, FIELD_SIZE = 128, PATH_SIZE = 1024 };

/* The text after `"name":"`; our own requests hold no escapes in the fields that are read here. */
static int text_field(const char *line, const char *name, char *target)
{
    const char *at = strstr(line, name);
    if (!at)
        return 0;
    at += strlen(name);
    size_t size = strcspn(at, "\"");
    if (size >= FIELD_SIZE)
        return 0;
    memcpy(target, at, size);
    target[size] = '\0';
    return 1;
}

static void wait_ms(long ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    if (ms > 0)
        (void)nanosleep(&pause, NULL);
}

static int write_output(const char *folder, const char *dir)
{
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/%s/noop.json", folder, dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return 0;
    int good = write(fd, "{}\n", 3) == 3;
    return close(fd) == 0 && good;
}

int main(int argc, char **argv)
{
    static char line[LINE_MAX_SIZE];
    const char *folder = ".";
    for (int n = 1; n + 1 < argc; n++) {
        if (strcmp(argv[n], "--folder") == 0)
            folder = argv[n + 1];
    }
    while (fgets(line, sizeof line, stdin)) {
        char id[FIELD_SIZE], dir[FIELD_SIZE];
        if (!text_field(line, "\"id\":\"", id) || !text_field(line, "\"dir\":\"", dir))
            return EXIT_FAILURE;
        const char *wanted = strstr(line, "\"milliseconds\":");
        wait_ms(wanted ? strtol(wanted + strlen("\"milliseconds\":"), NULL, 10) : 0);
        if (write_output(folder, dir))
            printf("{\"id\":\"%s\",\"event\":\"done\",\"outputs\":[{\"file\":\"%s/noop.json\","
                   "\"contentType\":\"application/json\"}]}\n",
                   id, dir);
        else
            printf("{\"id\":\"%s\",\"event\":\"failed\",\"error\":\"It could not write.\"}\n", id);
        (void)fflush(stdout);
    }
    return EXIT_SUCCESS;
}
