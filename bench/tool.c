/* The program under the recorders; it prints exactly what is asked and nothing else.
 *
 *   tool echo         raw terminal; READY, then every byte back as it comes; ends at ^D
 *   tool line         terminal as it is; prompt "> ", answers a line with "=" and the line in lower case
 *   tool flood BYTES  raw terminal; numbered lines, then END; ends at any key
 *   tool tick MS      raw terminal; a line every MS milliseconds; ends at ^D
 *
 * tool.py does the same where there is no C compiler.
 */
#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { CTRL_D = 4 };

static void raw(void)
{
    struct termios t;
    if (tcgetattr(0, &t) == 0) {
        cfmakeraw(&t);
        tcsetattr(0, TCSANOW, &t);
    }
}

static void put(const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(1, data, size);
        if (n <= 0)
            exit(1);
        data += n;
        size -= (size_t)n;
    }
}

static int echo(void)
{
    char buf[4096];
    ssize_t n;
    raw();
    put("READY", 5);
    while ((n = read(0, buf, sizeof buf)) > 0) {
        if (memchr(buf, CTRL_D, (size_t)n))
            break;
        put(buf, (size_t)n);
    }
    return 0;
}

static int line(void)
{
    char buf[4096] = "=";
    ssize_t n;
    put("> ", 2);
    while ((n = read(0, buf + 1, sizeof buf - 3)) > 0) {
        for (ssize_t i = 1; i <= n; i++)
            buf[i] = (char)tolower((unsigned char)buf[i]);
        memcpy(buf + 1 + n, "> ", 2);
        put(buf, (size_t)n + 3);
    }
    return 0;
}

static int flood(long long bytes)
{
    static char block[8192];
    long long number = 0;
    char key;
    raw();
    while (bytes > 0) {
        size_t used = 0;
        while (used + 64 < sizeof block)
            used += (size_t)sprintf(block + used, "%012lld some forty more characters of log text\r\n", number++);
        put(block, used);
        bytes -= (long long)used;
    }
    put("END", 3);
    return read(0, &key, 1) < 0;
}

static int tick(int ms)
{
    struct pollfd keys = {0, POLLIN, 0};
    char text[128], key;
    raw();
    for (long number = 0;; number++) {
        int size = snprintf(text, sizeof text, "tick %ld of a program that says a little, and often\r\n", number);
        put(text, (size_t)size);
        if (poll(&keys, 1, ms) > 0 && (read(0, &key, 1) <= 0 || key == CTRL_D))
            return 0;
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "echo") == 0)
        return echo();
    if (strcmp(what, "line") == 0)
        return line();
    if (strcmp(what, "flood") == 0 && argc > 2)
        return flood(atoll(argv[2]));
    if (strcmp(what, "tick") == 0 && argc > 2)
        return tick(atoi(argv[2]));
    return 2;
}
