/* SPDX-License-Identifier: MIT */
/* How far a part of the preface has come. */
#ifndef WORKER_PREFACE_PROGRESS_H
#define WORKER_PREFACE_PROGRESS_H

enum preface {
	PREFACE_WAITS, /* for more bytes */
	PREFACE_OVER,  /* what follows may begin; c->in has what came behind */
	PREFACE_FAILED /* the connection has ended */
};

#endif
