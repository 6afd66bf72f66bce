# SPDX-License-Identifier: MIT
"""Scenarios of listeners with TLS: handshakes, messages, and sessions whose worker dies. As in moves.py, every
connection goes on at the byte where it was.
"""
import ssl
import subprocess

import moves
import talks

SERVICES = ("ack", "secure ack", "secure status")
LISTENS = """\
tls "site" {{ certificate = "{folder}/site.pem"  key = "{folder}/site.key" }}
listen "127.0.0.1:0" {{ service = ack  framing = length }}
listen "127.0.0.1:0" {{ service = ack  framing = length  tls = site }}
listen "127.0.0.1:0" {{ service = status  tls = site }}
"""


def make_context(version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    return context


class Secure:
    """Before another talk: shakes hands first, and says its end as TLS does."""

    version = ssl.TLSVersion.TLSv1_3

    def begin(self):
        client = self.client
        client.socket = client.call(make_context(self.version).wrap_socket, client.socket)
        super().begin()

    def finish(self):
        self.complete()
        self.client.socket = self.client.call(self.client.socket.unwrap)
        self.client.expect_end()


class Resting(Secure, talks.AckResting):
    service = "secure ack"

    def complete(self):
        self.go_on()


class Speaking(Secure, talks.AckSpeaking):
    service = "secure ack"

    def complete(self):
        self.client.send(self.asked[self.cut:])
        self.expect()


class Older(Speaking):
    version = ssl.TLSVersion.TLSv1_2


class Page(Secure, talks.HttpResting):
    service = "secure status"

    def complete(self):
        self.go_on()


KINDS = (Resting, Speaking, Older, Page)


def begin(run, kinds):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", run.path("site.key"), "-out", run.path("site.pem"), "-subj", "/CN=site"],
                   check=True, stderr=subprocess.DEVNULL)
    folder = run.path("site.key").rsplit("/", 1)[0]
    moves.begin(run, 1, kinds, listens=LISTENS.format(folder=folder), services=SERVICES)


def start_tls(run):
    begin(run, ())


def tls(run):
    for kind in KINDS:
        run.attempt(moves.open_talk, run, kind, SERVICES)
    moves.end_all(run)


def start_tls_recover(run):
    begin(run, KINDS)


ALL = {"tls": (start_tls, tls), "tls_recover": (start_tls_recover, moves.recover)}
