/* Files of a provider's, from a server on loopback through real workers into a depot. Nothing is
 * opened in the guard: the server is reached because it is the provider's own origin. */
#include "app/work_private.h"

#include "base/memory.h"
#include "catalog/fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { OUTPUT_MAX = 1 << 20, FILE_MAX = 2 << 20, PATIENCE_S = 60, HELD_MAX = 8 };

static char home[] = "/tmp/reel-fetch-XXXXXX";

static const char model_text[] =
    "{'provider':{'name':'acme','title':'Acme'},'models':[{'id':'m','family':'m','title':'M',"
    "'summary':'A model.','task':'text-to-video','output':'video','extensions':['mp4'],"
    "'time':{'baseSeconds':10},'parameters':{'prompt':{'type':'text'},"
    "'duration':{'type':'number'}},'offers':[{'slug':'x'}]}]}";

static struct catalog *catalog;
static struct children *children;
static struct worker_pool *pool;
static struct depot *depot;
static struct guard *guard;
static struct egress *egress;
static struct works *works;
static char origin[64];
static unsigned attempts; /* each test has one of its own */

/* ---------------------------------------------------------------- what is heard */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct message *heard; /* the newest */
static unsigned heard_count, kept_count, ends;

static bool take_message(void *context, struct message *message)
{
    (void)pthread_mutex_lock(&mutex);
    message_free(heard);
    heard = message;
    heard_count++;
    kept_count += message->event.worked.kind == WORKED_KEPT;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&mutex);
    return true;
}

static void wait_for(const unsigned *counter, unsigned value)
{
    struct timespec deadline;
    int failed = 0;
    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_S;
    (void)pthread_mutex_lock(&mutex);
    while (*counter < value && failed == 0)
        failed = pthread_cond_timedwait(&changed, &mutex, &deadline);
    (void)pthread_mutex_unlock(&mutex);
    assert_int_equal(failed, 0);
}

/* ---------------------------------------------------------------- the server */

struct file {
    char *data;
    size_t size;
};

static struct file film, picture;
static int listener = -1, held[HELD_MAX];
static unsigned held_count, served;
static pthread_t server;

static void say(int fd, const char *status, const char *headers, struct file body)
{
    char head[400];
    int size = snprintf(head, sizeof head,
                        "HTTP/1.1 %s\r\n%sContent-Type: video/mp4\r\nContent-Length: %zu\r\n"
                        "Connection: close\r\n\r\n",
                        status, headers, body.size);
    (void)send(fd, head, (size_t)size, MSG_NOSIGNAL);
    (void)send(fd, body.data, body.size, MSG_NOSIGNAL);
}

static struct file text_file(const char *text)
{
    return (struct file){(char *)(uintptr_t)text, strlen(text)};
}

/* False: the connection stays open, and nothing is said. */
static bool answer(int fd, const char *path)
{
    static char large[OUTPUT_MAX * 6 / 10];
    struct span asked = span_of(path);
    if (span_starts(asked, "/film"))
        say(fd, "200 OK", "", film);
    else if (span_starts(asked, "/picture"))
        say(fd, "200 OK", "", picture);
    else if (span_starts(asked, "/page"))
        say(fd, "200 OK", "", text_file("<!DOCTYPE html><html>Sign in</html>"));
    else if (span_starts(asked, "/cut"))
        say(fd, "200 OK", "", (struct file){film.data, film.size * 9 / 10});
    else if (span_starts(asked, "/empty"))
        say(fd, "200 OK", "", text_file(""));
    else if (span_starts(asked, "/large"))
        say(fd, "200 OK", "", (struct file){large, sizeof large});
    else if (span_starts(asked, "/endless"))
        (void)dprintf(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
    else if (span_starts(asked, "/moved"))
        say(fd, "302 Found", "Location: /film\r\n", text_file("over"));
    else if (span_starts(asked, "/inside"))
        say(fd, "302 Found", "Location: http://10.0.0.1/film\r\n", text_file("over"));
    else if (span_starts(asked, "/busy"))
        say(fd, "503 Busy", "", text_file("later"));
    else if (span_starts(asked, "/silent"))
        return false;
    else
        say(fd, "404 Not Found", "", text_file("gone"));
    return true;
}

static void serve_one(int fd)
{
    char head[4096] = "", path[200] = "";
    size_t size = 0;
    while (!strstr(head, "\r\n\r\n") && size < sizeof head - 1) {
        ssize_t got = recv(fd, head + size, sizeof head - 1 - size, 0);
        if (got <= 0)
            break;
        size += (size_t)got;
        head[size] = '\0';
    }
    (void)sscanf(head, "GET %199s", path);
    bool ends_here = answer(fd, path);
    (void)pthread_mutex_lock(&mutex);
    served++;
    if (!ends_here && held_count < HELD_MAX)
        held[held_count++] = fd;
    else
        ends_here = true;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&mutex);
    if (ends_here)
        (void)close(fd);
}

static void *serve(void *context)
{
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0;)
        serve_one(fd);
    return NULL;
}

static void begin_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)(void *)&address, size), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)(void *)&address, &size), 0);
    (void)snprintf(origin, sizeof origin, "http://127.0.0.1:%u", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&server, NULL, serve, NULL), 0);
}

/* ---------------------------------------------------------------- a fetch */

static struct job make_job(const char *input)
{
    struct job job = {.key = 7};
    (void)snprintf(job.id, sizeof job.id, "gen_7");
    (void)snprintf(job.tenant, sizeof job.tenant, "ann");
    (void)snprintf(job.model, sizeof job.model, "m");
    job.input = fixture_quote(input);
    return job;
}

/* Paths of the server, or whole URLs; at most three, NULL at the end. */
static void begin_fetch(const char *const *files, const char *trusted)
{
    char urls[3][200];
    struct told told;
    struct job job = make_job("{'prompt':'x','duration':1}");
    told_init(&told);
    told.kind = TOLD_DONE;
    for (unsigned n = 0; n < 3 && files[n]; n++) {
        (void)snprintf(urls[n], sizeof urls[n], "%s%s", files[n][0] == '/' ? origin : "", files[n]);
        told.files[told.file_count++].url = span_of(urls[n]);
    }
    works_fetch(works, &job, attempts, &told, trusted);
    test_free(job.input);
}

static void drop(void)
{
    struct job job = make_job("{}");
    works_drop(works, &job, attempts);
    test_free(job.input);
}

static const struct worked *fetch_told(const struct told *told, const char *trusted)
{
    unsigned before = heard_count;
    struct job job = make_job("{'prompt':'x','duration':1}");
    works_fetch(works, &job, ++attempts, told, trusted);
    test_free(job.input);
    wait_for(&heard_count, before + 1);
    return &heard->event.worked;
}

static const struct worked *fetch(const char *first, const char *second)
{
    const char *const files[] = {first, second, NULL};
    unsigned before = heard_count;
    attempts++;
    begin_fetch(files, origin);
    wait_for(&heard_count, before + 1);
    const struct worked *worked = &heard->event.worked;
    assert_int_equal(heard->event.kind, EVENT_WORKED);
    assert_int_equal(worked->job, 7);
    assert_int_equal(worked->attempt, attempts);
    return worked;
}

static void expect_failed(const struct worked *worked, enum error_code error, bool again,
                          const char *part)
{
    if (worked->kind != WORKED_FAILED || worked->error != error || worked->again != again ||
        !strstr(worked->text, part))
        fail_msg("%d %s, %sagain: %s", worked->kind, error_name(worked->error),
                 worked->again ? "" : "not ", worked->text ? worked->text : "");
}

static void expect_kept(const struct worked *worked, unsigned count)
{
    if (worked->kind != WORKED_KEPT)
        fail_msg("%d %s: %s", worked->kind, error_name(worked->error),
                 worked->text ? worked->text : "");
    assert_int_equal(worked->output_count, count);
}

/* The depot's copy is the server's file. */
static void expect_file(const struct job_output *output, struct file file)
{
    int fd;
    uint64_t size;
    char *copy = test_malloc(file.size + 1);
    assert_int_equal(depot_open(depot, SPAN("gen_7"), span_of(output->name), &fd, &size), DEPOT_OK);
    assert_int_equal(size, file.size);
    assert_int_equal(output->size, file.size);
    assert_int_equal(read(fd, copy, file.size + 1), file.size);
    assert_memory_equal(copy, file.data, file.size);
    test_free(copy);
    (void)close(fd);
}

static bool is_empty(const char *folder)
{
    char path[200];
    unsigned count = 0;
    (void)snprintf(path, sizeof path, "%s/%s", home, folder);
    DIR *entries = opendir(path);
    assert_non_null(entries);
    while (readdir(entries))
        count++;
    (void)closedir(entries);
    return count == 2; /* . and .. */
}

/* A removal has no word of its own. */
static void wait_until_empty(const char *folder)
{
    const struct timespec little = {.tv_nsec = 10 * 1000 * 1000};
    for (int n = 0; n < PATIENCE_S * 100 && !is_empty(folder); n++)
        (void)nanosleep(&little, NULL);
    assert_true(is_empty(folder));
}

static void two_files_come_into_the_depot(void **state)
{
    const struct worked *worked = fetch("/film", "/picture.mp4");
    expect_kept(worked, 2);
    const struct job_output *first = &worked->outputs[0], *second = &worked->outputs[1];
    assert_string_equal(first->name, "output.mp4");
    assert_string_equal(first->content_type, "video/mp4");
    assert_string_equal(first->thumbnail, "thumbnail.jpg");
    assert_int_equal(strlen(first->sha256), 64);
    assert_int_equal(first->duration, 1000);
    assert_int_equal(first->width, 256);
    expect_file(first, film);
    /* What the server says of the type counts for nothing. */
    assert_string_equal(second->name, "output-2.png");
    assert_string_equal(second->content_type, "image/png");
    assert_string_equal(second->thumbnail, "thumbnail-2.jpg");
    expect_file(second, picture);
    assert_non_null(memmem(worked->warnings.data, worked->warnings.size, "output 2", 8));
    drop();
    wait_until_empty("work");
}

static void what_differs_from_the_request_is_a_warning(void **state)
{
    struct told told;
    char url[200];
    unsigned before = heard_count;
    struct job job = make_job("{'prompt':'x','duration':9,'width':1920,'height':1080,"
                              "'resolution':'1080p','aspectRatio':'16:9','generateAudio':true}");
    told_init(&told);
    (void)snprintf(url, sizeof url, "%s/moved", origin);
    told.files[told.file_count++].url = span_of(url);
    works_fetch(works, &job, ++attempts, &told, origin);
    test_free(job.input);
    wait_for(&heard_count, before + 1);
    expect_kept(&heard->event.worked, 1);
    static const char *const parts[] = {"9.00 s were asked", "1920 × 1080 were asked",
                                        "1080 on the shorter side", "not the shape", "no sound"};
    struct span warnings = heard->event.worked.warnings;
    for (size_t n = 0; n < sizeof parts / sizeof parts[0]; n++) {
        if (!memmem(warnings.data, warnings.size, parts[n], strlen(parts[n])))
            fail_msg("no \"%s\" in %.*s", parts[n], SPAN_PRINT(warnings));
    }
    drop();
}

static void files_in_the_answer_are_kept_too(void **state)
{
    struct told told;
    struct buffer base64, url;
    buffer_init(&base64, FILE_MAX);
    buffer_init(&url, FILE_MAX);
    crypto_base64(span_make(picture.data, picture.size), &base64);
    buffer_add_text(&url, "data:image/webp;charset=x;base64,");
    buffer_add(&url, buffer_span(&base64));
    told_init(&told);
    told.file_count = 2;
    told.files[0].base64 = buffer_span(&base64);
    told.files[1].url = buffer_span(&url);
    const struct worked *worked = fetch_told(&told, NULL);
    expect_kept(worked, 2);
    assert_string_equal(worked->outputs[0].name, "output.png");
    assert_string_equal(worked->outputs[1].name, "output-2.png");
    expect_file(&worked->outputs[0], picture);
    expect_file(&worked->outputs[1], picture);
    drop();
    static const char *const bad[] = {"data:image/png,plain", "data:image/png;base64",
                                      "data:", "data:image/png;base64,a*b"};
    for (size_t n = 0; n < sizeof bad / sizeof bad[0]; n++) {
        told_init(&told);
        told.file_count = 1;
        told.files[0].url = span_of(bad[n]);
        expect_failed(fetch_told(&told, NULL), ERROR_OUTPUT_INVALID, false, "no valid base64");
    }
    buffer_clear(&base64);
    while (base64.size < OUTPUT_MAX * 3 / 2)
        buffer_add_text(&base64,
                        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    told_init(&told);
    told.file_count = 1;
    told.files[0].base64 = buffer_span(&base64);
    expect_failed(fetch_told(&told, NULL), ERROR_TOO_LARGE, false, "larger than the 1 MB");
    buffer_done(&base64);
    buffer_done(&url);
    told.file_count = 0;
    expect_failed(fetch_told(&told, NULL), ERROR_OUTPUT_INVALID, false, "names no file");
}

static void failures_say_whether_to_ask_again(void **state)
{
    static const struct {
        const char *first, *second;
        enum error_code error;
        bool again;
        const char *part;
    } rows[] = {
        {"/none", NULL, ERROR_OUTPUT_LOST, true, "The output could not be fetched: its link has"},
        {"/film", "/none", ERROR_OUTPUT_LOST, true, "Output 2 could not be fetched"},
        {"/busy", NULL, ERROR_OUTPUT_LOST, true, "(503)"},
        {"/empty", NULL, ERROR_OUTPUT_INVALID, true, "empty"},
        {"http://127.0.0.1:1/film", NULL, ERROR_OUTPUT_LOST, false, "may not be fetched"},
        {"/inside", NULL, ERROR_OUTPUT_LOST, false, "A redirect"},
        {"ftp://example.com/film", NULL, ERROR_OUTPUT_LOST, false, "may not be fetched"},
        {"file:///etc/passwd", NULL, ERROR_OUTPUT_LOST, false, "may not be fetched"},
        {"/endless", NULL, ERROR_TOO_LARGE, false, "more than the 1 MB"},
        {"/large", "/large", ERROR_TOO_LARGE, false, "The outputs together"},
        {"/page", NULL, ERROR_OUTPUT_INVALID, false, "is a web page"},
        {"/film", "/page", ERROR_OUTPUT_INVALID, false, "output 2 is a web page"},
        {"/cut", NULL, ERROR_OUTPUT_INVALID, false, "cut off"},
        {"/silent", "/none", ERROR_OUTPUT_LOST, true, "Output 2"}, /* the first is not waited for */
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        expect_failed(fetch(rows[n].first, rows[n].second), rows[n].error, rows[n].again,
                      rows[n].part);
        wait_until_empty("work");
        wait_until_empty("outputs");
    }
    static const char *const files[] = {"/film", NULL};
    unsigned before = heard_count;
    attempts++;
    begin_fetch(files, NULL); /* the same server, were it not the provider's own */
    wait_for(&heard_count, before + 1);
    expect_failed(&heard->event.worked, ERROR_OUTPUT_LOST, false, "may not be fetched");
}

/* Only what its server says of itself passes: a link that has expired does not come back. */
static void a_server_s_trouble_passes(void **state)
{
    assert_true(fetch("/busy", NULL)->passing);
    wait_until_empty("work");
    assert_false(fetch("/none", NULL)->passing);
    wait_until_empty("work");
}

/* The core polls after a failure, and the same attempt's files come by fresh links. */
static void the_same_attempt_may_be_fetched_again(void **state)
{
    static const char *const good[] = {"/film", NULL}, *const bad[] = {"/none", NULL};
    unsigned before = heard_count;
    attempts++;
    begin_fetch(bad, origin);
    wait_for(&heard_count, before + 1);
    begin_fetch(good, origin); /* perhaps before the folder is gone */
    wait_for(&heard_count, before + 2);
    expect_kept(&heard->event.worked, 1);
    begin_fetch(good, origin); /* as if the word had been lost: it is told again */
    wait_for(&heard_count, before + 3);
    expect_kept(&heard->event.worked, 1);
    expect_file(&heard->event.worked.outputs[0], film);
    drop();
    wait_until_empty("work");
}

/* The job ended otherwise: the download ends, and nobody is told anything. */
static void what_is_dropped_ends(void **state)
{
    static const char *const files[] = {"/silent", NULL};
    unsigned before = heard_count, asked = served;
    attempts++;
    begin_fetch(files, origin);
    wait_for(&served, asked + 1);
    drop();
    wait_until_empty("work");
    assert_int_equal(heard_count, before);
}

static void more_fetches_than_workers_wait_for_their_turn(void **state)
{
    enum { COUNT = 24 }; /* the pool takes one, and lets two wait */
    static const char *const files[] = {"/picture", NULL};
    unsigned before = kept_count;
    struct job job = make_job("{}");
    for (unsigned n = 0; n < COUNT; n++) {
        char url[200];
        struct told told;
        told_init(&told);
        (void)snprintf(url, sizeof url, "%s%s", origin, files[0]);
        told.files[told.file_count++].url = span_of(url);
        job.key = 100 + n;
        (void)snprintf(job.id, sizeof job.id, "gen_%u", 100 + n);
        works_fetch(works, &job, 1, &told, origin);
    }
    wait_for(&kept_count, before + COUNT);
    for (unsigned n = 0; n < COUNT; n++) {
        (void)snprintf(job.id, sizeof job.id, "gen_%u", 100 + n);
        works_drop(works, &job, 1);
    }
    test_free(job.input);
    wait_until_empty("work");
}

/* ---------------------------------------------------------------- before and after */

static void on_line(void *context, enum worker_event event, struct span line)
{
    if (event == WORKER_EVENT_FAILED)
        fail_msg("%.*s", SPAN_PRINT(line));
}

static void on_ended(void *context, const struct worker_end *end)
{
    (void)pthread_mutex_lock(&mutex);
    ends++;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&mutex);
}

static struct file read_made(const char *name)
{
    char path[200];
    struct file file = {.data = memory_make(FILE_MAX)};
    (void)snprintf(path, sizeof path, "%s/work/made/%s", home, name);
    FILE *opened = fopen(path, "re");
    if (!opened)
        fail_msg("no %s", path);
    file.size = fread(file.data, 1, FILE_MAX, opened);
    (void)fclose(opened);
    return file;
}

/* The provider's files are made by our own workers. */
static void make_files(void)
{
    static const struct worker_calls calls = {on_line, on_ended};
    static const char *const requests[] = {
        "{'id':'a','op':'render','renderer':'animatic','dir':'made','seed':1,'input':{'prompt':"
        "'Sea','width':256,'height':256,'fps':12,'duration':1}}",
        "{'id':'b','op':'render','renderer':'still','dir':'made','seed':1,'input':{'prompt':'Sea',"
        "'width':320,'height':256}}"};
    for (unsigned n = 0; n < 2; n++) {
        char *line = fixture_quote(requests[n]);
        assert_true(worker_run(pool, span_of(n ? "b" : "a"), span_of(line), &calls, NULL));
        test_free(line);
        wait_for(&ends, n + 1);
    }
    film = read_made("output.mp4");
    picture = read_made("output.png");
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    return remove(path);
}

static int begin_all(void **state)
{
    char fault[CATALOG_FAULT_SIZE] = "", why[DEPOT_FAULT_SIZE], folder[100];
    assert_non_null(mkdtemp(home));
    catalog = fixture_with(model_text, fault);
    if (!catalog)
        fail_msg("%s", fault);
    depot = depot_make(home, why);
    assert_non_null(depot);
    (void)snprintf(folder, sizeof folder, "%s/work", home);
    const char *const arguments[] = {"--folder", folder, "--weak-cage", NULL};
    children = children_make();
    pool = worker_make(children, &(struct worker_config){.program = getenv("REEL_MEDIA"),
                                                         .arguments = arguments,
                                                         .count = 1,
                                                         .queue_max = 2});
    guard = guard_make(NULL, NULL, why);
    egress = egress_make(&(struct egress_config){.in_flight_max = 16}, guard);
    assert_non_null(egress);
    begin_server();
    make_files();
    (void)snprintf(folder, sizeof folder, "%s/work/made", home);
    assert_int_equal(nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
    works = works_make(&(struct works_config){.catalog = catalog,
                                              .depot = depot,
                                              .egress = egress,
                                              .pool = pool,
                                              .fetch_max = 1000,
                                              .output_max = OUTPUT_MAX,
                                              .fetch_timeout = 5 * MS_SECOND,
                                              .post = take_message});
    assert_non_null(works);
    return 0;
}

static int end_all(void **state)
{
    (void)shutdown(listener, SHUT_RDWR);
    (void)pthread_join(server, NULL);
    (void)close(listener);
    for (unsigned n = 0; n < held_count; n++)
        (void)close(held[n]);
    egress_free(egress, 0);
    worker_free(pool);
    works_free(works);
    children_free(children);
    guard_free(guard);
    depot_free(depot);
    catalog_free(catalog);
    message_free(heard);
    memory_free(film.data);
    memory_free(picture.data);
    return nftw(home, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_files_come_into_the_depot),
        cmocka_unit_test(what_differs_from_the_request_is_a_warning),
        cmocka_unit_test(files_in_the_answer_are_kept_too),
        cmocka_unit_test(failures_say_whether_to_ask_again),
        cmocka_unit_test(a_server_s_trouble_passes),
        cmocka_unit_test(the_same_attempt_may_be_fetched_again),
        cmocka_unit_test(what_is_dropped_ends),
        cmocka_unit_test(more_fetches_than_workers_wait_for_their_turn),
    };
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
