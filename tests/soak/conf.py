# SPDX-License-Identifier: MIT
"""The configuration of the server under test, and what of it this machine decides.

Must not start anything but `prefork-srv -P`. Used by server.py.
"""
import os
import shutil
import subprocess
import sys

CONF = """\
workers = {workers}
worker_max_age = {max_age}
move_connections = {moves}
shutdown_timeout = 30s
hang_timeout = {hang_ms}ms
rlimit_nofile = {nofile}
{crash_limit}{user}log {{ path = "{folder}/log"  level = debug  access = "{folder}/access" }}
listen "127.0.0.1:0" {{ service = ack  framing = length }}
listen "127.0.0.2:0" {{ service = echo  max_connections = 1000000  max_per_source = 1000000 }}
listen "127.0.0.3:0" {{ service = module  module = "{folder}/echo.so" }}
listen "127.0.0.4:0" {{ service = module  module = "{folder}/faulty.so" }}
listen "127.0.0.5:0" {{ service = program  program = "app" }}
listen "127.0.0.6:0" {{ service = exec  command = {{/bin/cat}} }}
listen "127.0.0.7:0" {{ service = proxy  upstream = "own" }}
listen "127.0.0.8:0" {{ service = proxy  upstream = "peers"  max_per_source = 1000000 }}
listen "127.0.0.10:0" {{ service = http  root = "{folder}/site"  autoindex = yes }}
listen "unix:{folder}/sock" {{
	service = echo  mode = 0666  accept_proxy = yes
	max_per_source = 1000000
}}
program "app" {{
	command = {{"{python}", -S, -E, "{folder}/copy.py"}}
	copies = 3  ready_after = notify  watchdog = 2s
}}
upstream "own" {{ server = "unix:{folder}/sock"  send_proxy = v2  queue_timeout = 10s }}
upstream "peers" {{
	server = {{{peers}}}
	balance = round_robin  check = connect  check_interval = 200ms  fail_timeout = 1s
	queue_timeout = 10s
}}
"""
# The services of the clients; the listeners behind them are the server's own clients'.
LISTENERS = ("ack", "echo", "module", "lines", "program", "exec", "relay", "peer", "http")
BEHIND = 1
USERS = range(60000, 64000)


def find_python():
    """One that the copies' user may run: this process's own may be in a folder of its user's."""
    known = shutil.which("python3", path="/usr/bin:/bin")
    return known or sys.executable


def crash_limit_off(program):
    """Kills are no client's fault, and here all clients have one address."""
    printed = subprocess.run([program, "-P", "options"], stdin=subprocess.DEVNULL, check=False,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return "crash_limit = off\n" if "crash_limit" in printed.stdout else ""


def own_user():
    """The kernel limits the descriptors in flight of a user: other servers must not be of this one."""
    if os.geteuid() != 0:
        return ""
    user = USERS[os.getpid() % len(USERS)]
    return f"user = {user}\ngroup = {user}\n"
