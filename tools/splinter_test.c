/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splinter_test - a smoke test of the library, and the smallest example of its use
 *
 *     cc splinter_test.c $(pkg-config --cflags --libs splinter) -o splinter_test
 *
 * One process creates a store and sets a key, a second one opens the store and answers.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <splinter.h>

static char unique[64];
static const char *name = unique; /* of the store */
static int created;

static void check(int good, const char *step)
{
    if (good) {
        printf("ok      %s\n", step);
        return;
    }
    const char *why = splinter_last_error(); /* of the calls that open; the others set errno */
    printf("FAILED  %s: %s\n", step, *why ? why : strerror(errno));
    splinter_close();
    if (created)
        splinter_store_unlink(name, 0);
    exit(1);
}

/* The other process: any process of this user that knows the name may open the store. */
static int answer(void)
{
    char text[64];
    size_t len;
    if (splinter_open(name) || splinter_get("question", text, sizeof(text), &len))
        return 1;
    int r = len != 5 || memcmp(text, "ping?", 5) != 0 || splinter_set("answer", "pong!", 5);
    splinter_close();
    return r;
}

/* The status, when everything was printed. */
static int printed(void)
{
    if (!fflush(stdout) && !ferror(stdout))
        return 0;
    fprintf(stderr, "splinter_test: cannot write to standard output\n");
    return 1;
}

static int say_version(void)
{
    printf("splinter_test (Splinter) %s\n", splinter_version());
    return printed();
}

static int say_help(void)
{
    puts("Usage: splinter_test [OPTION]...\n"
         "Create a store, use it from two processes, remove it.\n"
         "\n"
         "  -b, --bus BUS        call the store BUS, of which there must be none yet\n"
         "  -h, --help           print this and exit\n"
         "  -V, --version        print the version and exit\n"
         "\n"
         "Exit status: 0 all went well, 1 something did not, 2 wrong arguments.");
    return printed();
}

static int wrong_arguments(const char *what)
{
    fprintf(stderr, "splinter_test: %s\nTry 'splinter_test --help'.\n", what);
    return 2;
}

/* The steps take a millisecond; a signal in the middle would leave the store behind. */
static void hold_signals(void)
{
    sigset_t later;
    sigemptyset(&later);
    sigaddset(&later, SIGINT);
    sigaddset(&later, SIGTERM);
    sigaddset(&later, SIGHUP);
    sigprocmask(SIG_BLOCK, &later, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void use_the_store(void)
{
    char text[64], *keys[4];
    size_t len = 0, count = 0;
    int status = -1;

    check(splinter_create(name, 16, 1024) == 0, "create a store: 16 keys, values up to 1024 bytes");
    created = 1;
    check(splinter_set("question", "ping?", 5) == 0, "set a key");

    fflush(stdout); /* or both processes would print it */
    pid_t child = fork();
    if (child == 0)
        _exit(answer());
    check(child > 0 && waitpid(child, &status, 0) == child && status == 0,
          "open the store in another process, read the key, set another");

    check(splinter_get("answer", text, sizeof(text), &len) == 0 && len == 5 &&
              memcmp(text, "pong!", 5) == 0,
          "read the answer");
    check(splinter_list(keys, 4, &count) == 0 && count == 2, "list the keys: there are two");
    check(splinter_unset("question") == 5, "remove a key: its value had 5 bytes");
    check(splinter_get("question", text, sizeof(text), NULL) == -1, "it is gone");

    splinter_close();
    check(splinter_store_unlink(name, 0) == 0, "remove the store");
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"bus", required_argument, NULL, 'b'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    int option;

    snprintf(unique, sizeof(unique), "splinter_test.%ld", (long)getpid());
    opterr = 0; /* it would print whatever bytes it was given */
    while ((option = getopt_long(argc, argv, "b:hV", options, NULL)) != -1)
        switch (option) {
        case 'b':
            name = optarg;
            break;
        case 'h':
            return say_help();
        case 'V':
            return say_version();
        default:
            return wrong_arguments("there is no such option, or its argument is missing");
        }
    if (optind < argc)
        return wrong_arguments("only options are allowed");
    hold_signals();
    use_the_store();
    printf("libsplinter %s works\n", splinter_version());
    return printed();
}
