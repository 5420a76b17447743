/* SPDX-License-Identifier: Apache-2.0 */
/* cli_text.h - bytes of others, such as names, as a person may see them */
#ifndef SPLINTER_CLI_TEXT_H
#define SPLINTER_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The end of a word that counts n things. */
#define CLI_S(n) ((n) == 1 ? "" : "s")

bool cli_is_utf8(const void *bytes, size_t len);

#define CLI_SHOWN_MAX(len) ((len) * 4)
/*
 * Copies len bytes, with \xNN in place of each that a terminal might obey, or that is no character.
 * shown has room for CLI_SHOWN_MAX(len).  Returns the length.
 */
size_t cli_show(char *shown, const void *bytes, size_t len);

/* Copies len bytes as base64 (RFC 4648).  text has room for CLI_BASE64_MAX(len).  Returns the
 * length. */
#define CLI_BASE64_MAX(len) (((len) + 2) / 3 * 4)
size_t cli_base64(char *text, const void *bytes, size_t len);
/* The reverse, which may be in place: bytes may be text.  Returns false if text is no base64 with
 * its padding. */
bool cli_from_base64(void *bytes, size_t *size, const char *text, size_t len);

#endif /* SPLINTER_CLI_TEXT_H */
