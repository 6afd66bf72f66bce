/* SPDX-License-Identifier: MIT */
/*
 * Replaces the copies of a program that are old or large (max_age, max_memory), one at a time: the
 * new copy is ready before the old one is told to end. Master only.
 */
#ifndef MASTER_PROGRAM_REPLACING_H
#define MASTER_PROGRAM_REPLACING_H

#include <stdint.h>

#include "master/program/program.h"

/* Continues the replacement under way, or begins one when a copy is due. */
void replacing_step(struct program *program, int64_t now_ms);

/* When replacing_step has to look next, or otherwise_ms. */
int64_t replacing_due_ms(const struct program *program, int64_t otherwise_ms);

/* Retires copies that are more than the program wants: those that wait first, then the youngest. */
void replacing_trim(struct program *program, int64_t kill_ms);

#endif
