/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_logind.c - does logind remove buses when their owner logs out?
 *
 * It does so with what an ordinary user has in /dev/shm, unless RemoveIPC=no is in its
 * configuration, or the user lingers.
 */
#include <ctype.h>
#include <dirent.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "../cli.h"
#include "../cli_text.h"
#include "doctor.h"
#include "processes.h"

#define NOBODY 65534
#define TEXT_ROOM 65536

/* ---- what is configured ---- */

enum setting { UNSET, YES, NO };
static enum setting setting;
static const char *set_by; /* the file */

/* The line of a file without the spaces around it. */
static char *trim(char *line)
{
    line += strspn(line, " \t\r");
    size_t len = strlen(line);
    while (len && isspace((unsigned char)line[len - 1]))
        line[--len] = '\0';
    return line;
}

static void read_value(const char *value, const char *path)
{
    static const char *const yes[] = {"1", "yes", "y", "true", "t", "on"},
                             *const no[] = {"0", "no", "n", "false", "f", "off"};
    if (!*value)
        setting = UNSET;
    for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
        if (strcasecmp(value, yes[i]) == 0)
            setting = YES;
        else if (strcasecmp(value, no[i]) == 0)
            setting = NO;
        else
            continue;
        set_by = doctor_text("%s", path);
    }
}

static void read_configuration(const char *path)
{
    char text[TEXT_ROOM], *rest;
    bool login = false;
    doctor_file(path, text, sizeof(text));
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        line = trim(line);
        char *equals = strchr(line, '=');
        if (*line == '[') {
            login = strcmp(line, "[Login]") == 0;
        } else if (login && equals && *line != '#' && *line != ';') {
            *equals = '\0';
            if (strcmp(trim(line), "RemoveIPC") == 0)
                read_value(trim(equals + 1), path);
        }
    }
}

/* Those before hide files of the same name in those behind. */
static const char *const folders[] = {"/etc/systemd", "/run/systemd", "/usr/local/lib/systemd",
                                      "/usr/lib/systemd", "/lib/systemd"};
#define FOLDERS (sizeof(folders) / sizeof(*folders))

static const char *first_of(const char *name)
{
    for (size_t i = 0; i < FOLDERS; i++) {
        const char *path = doctor_text("%s/%s", folders[i], name);
        if (!access(path, F_OK))
            return path;
    }
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The parts in logind.conf.d come after the file, in the order of their names. */
static void read_parts(void)
{
    const char **names = NULL, *before = NULL;
    size_t count = 0;
    for (size_t i = 0; i < FOLDERS; i++) {
        struct dirent *entry;
        DIR *folder = opendir(doctor_text("%s/logind.conf.d", folders[i]));
        while (folder && (entry = readdir(folder))) {
            size_t len = strlen(entry->d_name);
            if (len < 6 || strcmp(entry->d_name + len - 5, ".conf"))
                continue;
            names = cli_need(realloc(names, (count + 1) * sizeof(*names)));
            names[count++] = doctor_text("logind.conf.d/%s", entry->d_name);
        }
        if (folder)
            closedir(folder);
    }
    if (names)
        qsort(names, count, sizeof(*names), by_name);
    for (size_t i = 0; i < count; before = names[i++])
        if (!before || strcmp(before, names[i]))
            read_configuration(first_of(names[i]));
    free(names);
}

/* ---- whom it concerns ---- */

/* The lowest number of an ordinary user. */
static uid_t first_ordinary(void)
{
    char text[TEXT_ROOM];
    unsigned long last_system = 999;
    const char *line = strstr(doctor_file("/etc/login.defs", text, sizeof(text)), "\nSYS_UID_MAX");
    if (line)
        sscanf(line, "\nSYS_UID_MAX %lu", &last_system);
    return (uid_t)last_system + 1;
}

static bool lingers(uid_t uid)
{
    const struct passwd *user = getpwuid(uid);
    return user && !access(doctor_text("/var/lib/systemd/linger/%s", user->pw_name), F_OK);
}

static void is_logind(void *arg, pid_t pid)
{
    struct ctl_process process = {.pid = pid};
    bool *found = arg;
    if (ctl_describe(&process) && (strcmp(process.name, "systemd-logind") == 0 ||
                                   strcmp(process.name, "elogind-daemon") == 0))
        *found = true;
}

static size_t count_of(const uid_t *owners, size_t count, uid_t uid)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += owners[i] == uid;
    return n;
}

void doctor_logind(const uid_t *owners, size_t count)
{
    bool runs = false;
    ctl_each_process(is_logind, &runs);
    if (!runs || !count)
        return;
    setting = UNSET;
    const char *main_file = first_of("logind.conf");
    if (main_file)
        read_configuration(main_file);
    read_parts();
    if (setting == NO)
        return;
    uid_t first = first_ordinary();
    for (size_t i = 0; i < count; i++) {
        size_t n = count_of(owners, count, owners[i]);
        if (owners[i] < first || owners[i] == NOBODY || lingers(owners[i]) ||
            count_of(owners, i, owners[i]))
            continue;
        doctor_found("logout", doctor_text("user %s", doctor_user(owners[i])),
                     "mkdir -p /etc/systemd/logind.conf.d && printf '[Login]\\nRemoveIPC=no\\n' "
                     ">/etc/systemd/logind.conf.d/splinter.conf && "
                     "systemctl restart systemd-logind",
                     "logind removes the %zu bus%s of this user in /dev/shm when the user's last "
                     "session ends: %s",
                     n, n == 1 ? "" : "es",
                     setting == YES ? doctor_text("%s says RemoveIPC=yes", set_by)
                                    : "no file says RemoveIPC=no, and yes is systemd's default");
    }
}
