/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_findings.h - what doctor has found, and words for it */
#ifndef SPLINTERCTL_DOCTOR_FINDINGS_H
#define SPLINTERCTL_DOCTOR_FINDINGS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Of `about`, a path or a process, say, the check has found something.  mend is the command that
 * mends it, or else what to do; NULL: nothing is known.
 */
void doctor_found(const char *check, const char *about, const char *mend, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Text in memory that is valid until all has been printed. */
const char *doctor_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A word as a shell takes it, such as 'two words'. */
const char *doctor_word(const char *word);
/* Such as "1.5 MiB". */
const char *doctor_size(uint64_t bytes);
/* The name of a user, or the number. */
const char *doctor_user(uid_t uid);
/* Reads the beginning of a small file; an empty string if that is not possible. */
const char *doctor_file(const char *path, char *text, size_t room);

/* Prints all of it.  Returns how many findings there are. */
size_t doctor_print(void);
/* Frees all of it. */
void doctor_forget(void);

#endif /* SPLINTERCTL_DOCTOR_FINDINGS_H */
