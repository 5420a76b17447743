/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal.c - terminal COLSxROWS COMMAND...: runs it in a terminal of that size, and obeys lines
 *
 *   type TEXT       with \n, \r, \t, \e and \xHH
 *   prompt TEXT     from now on, what a line that is empty so far looks like; waits for one
 *   enter TEXT      types a line, once there is an empty one
 *   wait TEXT       until the screen has it
 *   gone TEXT       until the screen does not have it
 *   show            prints the screen, between two lines of dashes as wide as it
 *   size COLSxROWS
 *   signal N        to the command
 *   hangup          the terminal goes away
 *   end             until the command has ended; prints "status N" or "signal N"
 *
 * Nothing here says how long something takes: each wait ends when what it waits for is there.
 * Status 1: the command ended meanwhile, or the watchdog did.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "terminal.h"

#define WATCHDOG 120 /* seconds without what is waited for */

static struct screen screen;
static int master = -1;
static pid_t child;
static int child_status;
static int unanswered; /* nothing has come since something was typed */

static void show(void)
{
    static char text[COLS_MAX * 4 + 1];
    for (int i = 0; i < screen.cols; i++)
        putchar('-');
    putchar('\n');
    for (int row = 0; row < screen.rows; row++) {
        screen_row(&screen, row, text);
        puts(text);
    }
    for (int i = 0; i < screen.cols; i++)
        putchar('-');
    putchar('\n');
    fflush(stdout);
}

static void fail(const char *why, const char *what)
{
    printf("%s: %s\n", why, what);
    show();
    if (child > 0)
        kill(child, SIGKILL);
    exit(1);
}


/* Takes what the command writes; waits for it at most so long.  Returns false if nothing more
 * comes. */
static int take(int ms)
{
    char bytes[4096];
    struct pollfd p = {.fd = master, .events = POLLIN};
    if (master < 0 || poll(&p, 1, ms) <= 0)
        return master >= 0;
    ssize_t n = read(master, bytes, sizeof(bytes));
    if (n > 0)
        unanswered = 0;
    if (n > 0)
        screen_put(&screen, bytes, (size_t)n);
    return n > 0 || (n < 0 && errno == EINTR);
}

static int has(const char *what)
{
    static char text[COLS_MAX * 4 + 1];
    for (int row = 0; row < screen.rows; row++) {
        screen_row(&screen, row, text);
        if (strstr(text, what))
            return 1;
    }
    return 0;
}

static char prompt[256];

static int is_asked(void)
{
    static char text[COLS_MAX * 4 + 1];
    screen_row(&screen, screen.row, text);
    return !unanswered && strcmp(text, prompt) == 0;
}

static void wait_for_prompt(void)
{
    time_t begin = time(NULL);
    while (!is_asked())
        if ((!take(100) && !is_asked()) || time(NULL) - begin > WATCHDOG)
            fail("there is no prompt", prompt);
}

static void wait_for(const char *what, int there)
{
    time_t begin = time(NULL);
    while (has(what) != there) {
        if (!take(100) && has(what) != there)
            fail(there ? "the command has ended without" : "the command has ended with", what);
        if (time(NULL) - begin > WATCHDOG)
            fail("too long", what);
    }
}

static void type(const char *text)
{
    char bytes[4096];
    size_t len = 0;
    for (; *text && len < sizeof(bytes); text++) {
        static const char from[] = "nrte\\", to[] = "\n\r\t\033\\";
        const char *at = *text == '\\' && text[1] ? strchr(from, text[1]) : NULL;
        if (at) {
            bytes[len++] = to[at - from];
            text++;
        } else if (*text == '\\' && text[1] == 'x') {
            char digits[3] = {text[2], text[3], 0};
            bytes[len++] = (char)strtol(digits, NULL, 16);
            text += 3;
        } else {
            bytes[len++] = *text;
        }
    }
    if (write(master, bytes, len) != (ssize_t)len)
        fail("cannot type", text);
    unanswered = 1;
}

static void end(void)
{
    time_t begin = time(NULL);
    while (waitpid(child, &child_status, WNOHANG) == 0) {
        if (!take(20))
            usleep(20000);
        if (time(NULL) - begin > WATCHDOG)
            fail("too long", "the end of the command");
    }
    child = 0;
    while (master >= 0 && take(0)) {
        struct pollfd p = {.fd = master, .events = POLLIN};
        if (poll(&p, 1, 0) <= 0)
            break;
    }
    if (WIFSIGNALED(child_status))
        printf("signal %d\n", WTERMSIG(child_status));
    else
        printf("status %d\n", WEXITSTATUS(child_status));
}

static void set_size(const char *text)
{
    int cols = 80, rows = 24;
    if (sscanf(text, "%dx%d", &cols, &rows) != 2)
        exit(99);
    struct winsize size = {.ws_col = (unsigned short)cols, .ws_row = (unsigned short)rows};
    ioctl(master, TIOCSWINSZ, &size);
    screen_size(&screen, cols, rows);
}

static void on_term(int number)
{
    (void)number;
    fail("stopped", "by the watchdog of the test"); /* a test's last words */
}

static void start(char **argv)
{
    master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) || unlockpt(master)) {
        perror("terminal");
        exit(77);
    }
    screen_clear(&screen);
    set_size(argv[0]);
    const char *name = ptsname(master);
    child = fork();
    if (child)
        return;
    signal(SIGTERM, SIG_DFL);
    setsid();
    int fd = open(name, O_RDWR);
    if (fd < 0 || ioctl(fd, TIOCSCTTY, 0))
        _exit(99);
    for (int i = 0; i < 3; i++)
        dup2(fd, i);
    if (fd > 2)
        close(fd);
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    _exit(127);
}

static void obey(const char *line)
{
    size_t word = strcspn(line, " ");
    const char *rest = line + word + (line[word] != '\0');
    if (strncmp(line, "type", word) == 0) {
        type(rest);
    } else if (strncmp(line, "prompt", word) == 0) {
        snprintf(prompt, sizeof(prompt), "%s", rest);
        wait_for_prompt();
    } else if (strncmp(line, "enter", word) == 0) {
        wait_for_prompt();
        type(rest);
        type("\\r");
    } else if (strncmp(line, "wait", word) == 0) {
        wait_for(rest, 1);
    } else if (strncmp(line, "gone", word) == 0) {
        wait_for(rest, 0);
    } else if (strncmp(line, "show", word) == 0) {
        show();
    } else if (strncmp(line, "size", word) == 0) {
        set_size(rest);
    } else if (strncmp(line, "signal", word) == 0) {
        kill(child, atoi(rest));
    } else if (strncmp(line, "hangup", word) == 0) {
        close(master);
        master = -1;
    } else if (strncmp(line, "end", word) == 0) {
        end();
    } else {
        fail("there is no such line", line);
    }
}

int main(int argc, char **argv)
{
    char line[4096];
    if (argc < 3)
        return 2;
    signal(SIGTERM, on_term);
    start(argv + 1);
    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (*line && *line != '#')
            obey(line);
    }
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    return 0;
}
