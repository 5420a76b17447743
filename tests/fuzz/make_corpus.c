/* SPDX-License-Identifier: Apache-2.0 */
/* make_corpus.c - writes the seeds of corpus.c into the folder that is its argument */
#include <stdio.h>

#include "corpus.h"
#include "image.h"

int main(int argc, char **argv)
{
    uint8_t bytes[SEED_BYTES_MAX];
    size_t length;
    unsigned n;
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    images_make();
    for (n = 0; (length = corpus_seed(n, bytes)); n++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/seed-%04u", argv[1], n);
        FILE *f = fopen(path, "wb");
        if (!f || fwrite(bytes, 1, length, f) != length || fclose(f)) {
            perror(path);
            return 1;
        }
    }
    printf("%u seeds\n", n);
    return 0;
}
