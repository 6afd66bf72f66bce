/* SPDX-License-Identifier: MIT */
/* The checksum CRC32c (RFC 9260, appendix A), piece by piece. Pure; any process. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on with the checksum of the bytes before, 0 at first; returns that of all. */
uint32_t crc32c_add(uint32_t before, const void *bytes, size_t size);

#endif
