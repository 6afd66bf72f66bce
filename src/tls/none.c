/* SPDX-License-Identifier: MIT */
/*
 * What stands for this folder in a program without TLS: no configuration has a section tls there,
 * so nothing is made and nothing can fail.
 */
#include "tls/library.h"

bool tls_library_start(struct err *err)
{
	return err_set(err, CODE_CONFIG, "this program was built without TLS");
}
