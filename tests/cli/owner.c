/* SPDX-License-Identifier: Apache-2.0 */
/* owner.c - owner BUS KEY: owns an ephemeral key, until it is killed */
#include <stdio.h>
#include <unistd.h>

#include <splinter.h>

#define WATCHDOG 600 /* seconds */

int main(int argc, char **argv)
{
    struct splinter_set_options own = {.struct_size = sizeof(own), .flags = SPLINTER_EPHEMERAL};
    splinter_store *bus;

    if (argc != 3 || splinter_store_open(&bus, argv[1], NULL) ||
        splinter_store_set(bus, argv[2], "mine", 4, &own, NULL))
        return 1;
    alarm(WATCHDOG);
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
