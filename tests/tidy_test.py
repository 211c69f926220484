#!/usr/bin/env python3
"""tools/tidy reports each bad sample once, in the right place, and leaves the clean one alone."""
import os
import subprocess
import sys
import tempfile
import unittest

TIDY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "tidy")

CLEAN_HEADER = """\
/* What a thing is. */
#ifndef CORE_THING_H
#define CORE_THING_H

#include "base/span.h"

struct thing {
    int size;
    void (*done)(struct thing *);
};

extern const struct thing thing_first;
int thing_size(const struct thing *thing);

#endif
"""

CLEAN_SOURCE = """\
#include "core/thing.h"

#include <stdio.h>
#include <string.h>

/* sprintf( and time( are only spoken of here, "as is system(this)". */
enum { THING_MAX = 5 };
typedef int (*reader_t)(const char *text, int size);
struct other;
static int helper(int a, int b);
static const struct {
    const char *name;
    int value;
} rows[] = {
    {"system(x)", 1},
    {"// strcpy(a, b)", 2},
};
static const char *const names[] = {"one", "two"};
static int (*const helpers[])(int, int) = {helper};
const struct thing thing_first = {.size = THING_MAX};

static int helper(int a, int b)
{
    static const int table[2] = {1, 2};
    char text[10];
    (void)snprintf(text, sizeof text, "%d", a);
    return table[b & 1] + names[0][0] + rows[0].value + helpers[0](a, b) + text[0];
}

#ifdef THING_ODD
static int twisted(int a)
{
    if (a) {
#else
static int twisted(int a)
{
    if (!a) {
#endif
        return 1;
    }
    return 0;
}

int thing_size(const struct thing *thing)
{
    return thing->size + helper(1, 2) + twisted(3) + runtime(thing->time(1), thing->wall.time(2));
}
"""

LONG_BODY = "    (void)0;\n"


def function(lines, parameters="void"):
    return f"int thing_long({parameters})\n{{\n{LONG_BODY * (lines - 3)}}}\n"


def guarded(name, body=""):
    return f"#ifndef {name}\n#define {name}\n\n{body}#endif\n"


# Name of the rule, where the sample lies, the sample, the line, a part of the message.
SAMPLES = [
    ("function", "src/core/thing.c", function(71), 1, "thing_long: 71 lines; 70 at most"),
    ("function", "src/core/thing.c", "int a;\n".replace("int", "extern int") + function(90), 2,
     "thing_long: 90 lines"),
    ("file", "src/core/thing.c", "\n" * 601, 601, "601 lines; 600 at most"),
    ("file", "src/provider/thing.c", "\n" * 301, 301, "301 lines; 300 at most"),
    ("parameters", "src/core/thing.c",
     function(5, "int a, int b, int c, void (*d)(int, int),\n    int e, int f, int g"), 1,
     "thing_long: 7 parameters; 6 at most"),
    ("columns", "src/core/thing.c", "/* " + "a" * 98 + " */\n", 1, "104 columns"),
    ("columns", "tools/thing.py", "#" * 101 + "\n", 1, "101 columns"),
    ("call", "src/edge/thing.c", "int a(void)\n{\n    sprintf(b, c);\n}\n", 3, "sprintf()"),
    ("call", "src/edge/thing.c", "#define A(x) strcpy (x, x)\n", 1, "strcpy()"),
    ("call", "src/app/thing.c", "int a(void)\n{\n    return atoi(b);\n}\n", 3, "atoi()"),
    ("call", "src/app/thing.c", "int a(void)\n{\n    return !system(b);\n}\n", 3, "system()"),
    ("call", "src/edge/thing.c", "int a(void)\n{\n    srand(rand ());\n}\n", 3, "rand()"),
    ("call", "src/core/thing.c", "int a(void)\n{\n    return time(0);\n}\n", 3, "handed in"),
    ("call", "src/store/thing.c", "int a(void)\n{\n    clock_gettime(b, c);\n}\n", 3, "handed in"),
    ("call", "src/catalog/thing.c", "int a(void)\n{\n    fopen(b, c);\n}\n", 3, "is pure"),
    ("call", "src/dialect/thing.c", "int a(void)\n{\n    printf(b);\n}\n", 3, "is pure"),
    ("call", "sim/thing.c", "int a(void)\n{\n    gettimeofday(b);\n}\n", 3, "handed in"),
    ("room", "src/base/thing.c", '#include "core/job.h"\n', 1, 'base may not include "core/job.h"'),
    ("room", "src/core/thing.c", '#include "base/json.h"\n', 1, "base/json.h"),
    ("room", "src/core/thing.c", '#include "base/crypto.h"\n', 1, "base/crypto.h"),
    ("room", "src/core/thing.c", '#include "store/store.h"\n', 1, "store/store.h"),
    ("room", "src/catalog/thing.c", '#include "core/job.h"\n', 1, "core/job.h"),
    ("room", "src/provider/thing.c", '#include "core/job.h"\n', 1, "core/job.h"),
    ("room", "src/dialect/thing.c", '#include "provider/a.h"\n', 1, "provider/a.h"),
    ("room", "src/store/thing.c", '#include "catalog/a.h"\n', 1, "catalog/a.h"),
    ("room", "src/depot/thing.c", '#include "edge/a.h"\n', 1, "edge/a.h"),
    ("room", "src/bus/thing.c", '#include "edge/a.h"\n', 1, "edge/a.h"),
    ("room", "src/edge/thing.c", '#  include "core/a.h"\n', 1, "core/a.h"),
    ("room", "src/media/thing.c", '#include "edge/a.h"\n', 1, "edge/a.h"),
    ("room", "src/app/thing.c", '#include "media/a.h"\n', 1, "media/a.h"),
    ("room", "src/app/thing.c", '#include "kitchen/a.h"\n', 1, "kitchen/a.h"),
    ("room", "sim/thing.c", '#include "app/main.h"\n', 1, "app/main.h"),
    ("room", "src/core/thing_test.c", '#include "store/a.h"\n', 1, "store/a.h"),
    ("room", "src/core/thing.c", "#include <unistd.h>\n", 1, "<unistd.h>"),
    ("room", "src/catalog/thing.h", guarded("CATALOG_THING_H", "#include <sqlite3.h>\n"), 4,
     "<sqlite3.h>"),
    ("room", "sim/thing.c", "#include <sys/stat.h>\n", 1, "<sys/stat.h>"),
    ("include", "src/core/thing.c", '#include "thing.h"\n', 1, "room/thing.h"),
    ("static", "src/core/thing.c", "static int count;\n", 1, "is pure"),
    ("static", "src/core/thing.c", "\nint thing_count = 3;\n", 2, "is pure"),
    ("static", "src/core/thing.c", 'static const char *name = "a";\n', 1, "is pure"),
    ("static", "src/core/thing.c", "static struct {\n    int a;\n} all[5] = {{1}};\n", 1,
     "is pure"),
    ("static", "src/core/thing.c", "static struct thing *first, *last;\n", 1, "is pure"),
    ("static", "src/core/thing.c", "static int (*reader)(const char *);\n", 1, "is pure"),
    ("static", "src/core/thing.c", "int a(void)\n{\n    static int n = 0;\n    return n++;\n}\n", 3,
     "is pure"),
    ("guard", "src/core/thing.h", "int a;\n".replace("int a;", "struct a;"), 1, "CORE_THING_H"),
    ("guard", "src/core/thing.h", guarded("THING_H"), 1, "CORE_THING_H"),
    ("guard", "sim/thing.h", guarded("CORE_THING_H"), 1, "SIM_THING_H"),
    ("word", "src/core/thing.c", "/* TO" "DO: later */\n", 1, "reminder"),
    ("word", "docs/thing.md", "FIX" "ME\n", 1, "reminder"),
    ("word", "tools/thing.sh", "# XX" "X\n", 1, "reminder"),
    ("path", "src/edge/thing.c", 'const char *a = "/ro' 'ot/x";\n', 1, "one machine"),
    ("path", "docs/thing.md", "see /wo" "rk/main\n", 1, "one machine"),
    ("path", "src/edge/thing_test.c", 'const char *a = "/wo' 'rk/shared/x";\n', 1, "one machine"),
    ("blank", "src/core/thing.c", "\n \n", 2, "blanks"),
    ("blank", "docs/thing.md", "word\t\n", 1, "blanks"),
    ("tab", "src/core/thing.c", "\t/* */\n", 1, "tab"),
    ("newline", "meson.build", "project('x')", 1, "no end"),
    ("cr", "src/core/thing.c", "/* */\r\n", 1, "carriage"),
    ("utf8", "src/core/thing.c", b"/* \xff */\n", 1, "UTF-8"),
    ("excuse", "src/core/thing.c", "/* ti" "dy: word */\n", 1, "nothing here needs"),
]


def run(files, *options):
    """Exit status and output of tidy over a folder with these files."""
    with tempfile.TemporaryDirectory() as folder:
        for path, content in files.items():
            path = os.path.join(folder, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
        done = subprocess.run([sys.executable, TIDY, *options, folder], capture_output=True,
                              text=True, check=False)
        return done.returncode, done.stdout + done.stderr


class Tidy(unittest.TestCase):
    def test_bad_samples(self):
        for name, path, content, line, message in SAMPLES:
            with self.subTest(rule=name, content=content[:80]):
                status, output = run({path: content})
                faults = [row for row in output.splitlines()
                          if " warning: " not in row and row.endswith("]")]
                self.assertEqual(status, 1, output)
                self.assertTrue(faults[0].startswith(f"{path}:{line}: "), output)
                self.assertIn(message, faults[0])
                self.assertTrue(faults[0].endswith(f"[{name}]"), output)
                self.assertLessEqual(len(faults), 2 if "srand" in str(content) else 1, output)

    def test_clean_sample(self):
        status, output = run({
            "src/core/thing.h": CLEAN_HEADER,
            "src/core/thing.c": CLEAN_SOURCE,
            "src/core/thing_test.c": function(70, "int a, int b, int c, int d, int e, int f")
                                     + "static int count;\n#include <cmocka.h>\n",
            "src/edge/thing.c": '#include "base/log.h"\n#include <time.h>\nstatic int count;\n'
                                "int a(void)\n{\n    return time(0);\n}\n",
            "src/edge/thing_test.c": 'const char *a = "/ho' 'me/someone/x", *b = "/wo' 'rk/x";\n',
            "src/app/turn.c": '#include "core/core.h"\n#include "provider/provider.h"\n',
            "src/app/turn_test.c": "",
            "sim/world.c": '#include "world.h"\n#include "app/turn.h"\n#include "store/ram.h"\n',
            "sim/sim.c": "#include <signal.h>\nstatic volatile sig_atomic_t stopped;\n",
            "tests/call.c": '#include "edge/server.h"\n#include "app/config.h"\n',
            "docs/page.md": "http://example.com/ho" "me/ and a long line " + "a" * 200 + "\n",
            "tools/thing": "#!/bin/sh\nmktemp /tmp/a.XXXXXX # is no reminder\n",
            "node_modules/a/b.js": "a \t",
            "build-x/a.c": "sprintf(\t",
        })
        self.assertEqual((status, output.splitlines()),
                         (0, ["tidy: 12 files, 0 faults, 0 warnings"]))

    def test_missing_test_is_a_warning(self):
        files = {"src/core/thing.c": "", "src/bus/thing.c": "", "src/app/main.c": ""}
        status, output = run(files)
        self.assertEqual(status, 0, output)
        self.assertIn("src/core/thing.c:1: warning: no test beside it (thing_test.c)", output)
        self.assertIn("tidy: 3 files, 0 faults, 1 warnings", output)
        status, output = run(files, "--strict")
        self.assertEqual(status, 1, output)

    def test_excuse(self):
        excused = 'const char *a = "/ro' 'ot/x"; /* ti' 'dy: path */\n'
        self.assertEqual(run({"src/edge/thing.c": excused})[0], 0)
        self.assertEqual(run({"src/edge/thing.c": excused.replace("path", "word")})[0], 1)

    def test_nothing_to_check_is_no_success(self):
        self.assertEqual(run({"README": "hello"})[0], 1)


if __name__ == "__main__":
    unittest.main()
