# SPDX-License-Identifier: MIT
"""The contenders: one row for each server, with the jobs that it can do and its written-out
configuration for them.

The same for all: so many workers as told (processes or threads), no access log unless the row
says so, keep-alive without a limit, open files cached where the server can, a backlog of 4096,
enough descriptors for 10,000 connections, in the foreground, in a temporary folder.
Must not measure.
"""
import os
import shlex
import string
import subprocess
import tempfile
from types import SimpleNamespace

import peers

REPLY = "x" * 160   # about as many bytes as an HTTP answer with a tiny body
ANSWER = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n"
SPOKEN = "x" * len("Thu Jan  1 00:00:00 1970 UTC\r\n")
JOBS = {  # what a server is asked to do
    "echo": "sends back what it receives",
    "tiny": "answers GET /healthz with a few bytes",
    "file": "serves the files of a folder",
    "proxy": "passes TCP connections on to one server",
    "line": "answers each line with 160 bytes",
    "raw": "answers whatever comes with 160 bytes",
    "speak": "sends a line on accept and closes",
    "exec": "runs a program for each connection",
    "wsgi": "runs a WSGI application",
    "asgi": "runs an ASGI application"}


class Contender:
    """A row. jobs: by name of JOBS, what stands for $job in `conf`; None: it needs no text.

    command: from the values of a start (SimpleNamespace) to the command line.
    tasks: what its workers are, "processes" or "threads"; None: none that could be told apart.
    variant: takes part only where a work names it.
    """

    def __init__(self, name, package, jobs, program=None, command=None, conf="", file="conf",
                 tasks="processes", variant=False, **values):
        self.name, self.package, self.jobs = name, package, jobs
        self.program, self.command, self.conf, self.file = program, command, conf, file
        self.tasks, self.variant, self.values = tasks, variant, values

    def need(self):
        """The path of its program, None for those of this tree; peers.Missing: not installed."""
        if not self.program:
            return None
        return peers.find_program(self.program, self.package)

    def start(self, bench, job, workers=1, cpu=None, **given):
        """A running peers.Server that accepts on ports[0]. given: what the job's text names."""
        server = self.launch(bench, job, workers, cpu, given)
        server.name, server.tasks, server.workers = self.name, self.tasks, workers
        return server

    def launch(self, bench, job, workers, cpu, given):
        at = SimpleNamespace(program=self.need(), workers=workers, threads=128 * workers,
                             port=peers.free_port(),
                             folder=tempfile.mkdtemp(prefix="prefork-bench-"), **given)
        os.chmod(at.folder, 0o755)  # workers may have another user
        at.conf = f"{at.folder}/{self.file}"
        values = {"modules": "", "log": "off", "reuse_port": "", "options": "",
                  "sendfile": "sendfile on; tcp_nopush on;",
                  **self.values, **vars(at)}
        values = {key: string.Template(str(text)).safe_substitute(vars(at))
                  for key, text in values.items()}
        text = string.Template(self.conf).substitute(
            values, job=string.Template(self.jobs[job] or "").substitute(values))
        with open(at.conf, "w") as conf:
            conf.write(text)
        environment = {**os.environ, "HOME": at.folder, "XDG_CONFIG_HOME": at.folder,
                       "XDG_DATA_HOME": at.folder, "GOMAXPROCS": str(workers)}
        with open(f"{at.folder}/output", "w") as output:
            server = peers.Server(self.name, self.command(at), cpu, env=environment,
                                  stdout=output, stderr=subprocess.STDOUT)
        server.folder, server.ports = at.folder, [at.port]
        server.wait_listening()
        return server


class Ours(Contender):
    """prefork-srv; jobs are what stands after -l ADDRESS=; options as of -o."""

    def launch(self, bench, job, workers, cpu, given):
        listen = string.Template(self.jobs[job]).substitute(given, reply=REPLY, line=REPLY[:-1])
        return peers.ours(bench.binary, [listen + self.values.get("listen", "")], workers, cpu,
                          self.values.get("options", ()))


class OurProgram(Ours):
    """prefork-srv with a program of its own copies; jobs are its arguments behind the path."""

    def launch(self, bench, job, workers, cpu, given):
        words = string.Template(self.jobs[job]).substitute(given).split()
        options = ["user=root"] if os.geteuid() == 0 else []
        return peers.ours(bench.binary, [""], workers, cpu, options,
                          [self.need(), *words], given["applications"])


class Minimal(Contender):
    """The floor: one process, an epoll loop that does nothing else. jobs: mode and reply."""

    def launch(self, bench, job, workers, cpu, given):
        return peers.minimal(bench.tools, *self.jobs[job], cpu=cpu)


OURS = {"echo": "echo", "tiny": "status", "file": "http,root=$root",
        "proxy": "proxy,to=127.0.0.1:$upstream", "line": "ack,framing=line,reply=$line",
        "raw": "ack,reply=$reply", "speak": "daytime,linger_timeout=0",
        "exec": "exec,command=$program_file,max_processes=1000"}

STREAM = f"load_module {peers.STREAM_MODULE};"
NGINX = """
$modules
daemon off; pid $folder/pid; error_log $folder/error.log; worker_processes $workers;
worker_rlimit_nofile 20000;
$job
events { worker_connections 10400; }
"""
NGINX_HTTP = """
http {
  access_log $log; keepalive_requests 1000000000; keepalive_timeout 300s;
  default_type text/plain;
  client_body_temp_path $folder/t1; proxy_temp_path $folder/t2; fastcgi_temp_path $folder/t3;
  uwsgi_temp_path $folder/t4; scgi_temp_path $folder/t5;
  server { listen 127.0.0.1:$port backlog=4096$reuse_port; %s }
}
"""
NGINX_TINY = NGINX_HTTP % 'location / { return 200 "ok\\n"; }'
NGINX_JOBS = {
    "tiny": NGINX_TINY,
    "file": NGINX_HTTP % "root $root; $sendfile open_file_cache max=100 inactive=300s; "
                         "open_file_cache_valid 300s;",
    "proxy": STREAM + """
stream {
  proxy_timeout 1h; upstream u { server 127.0.0.1:$upstream; }
  server { listen 127.0.0.1:$port backlog=4096; proxy_pass u; $options }
}
""",
    "speak": STREAM + """
stream { server { listen 127.0.0.1:$port backlog=4096; return "%s"; } }
""" % SPOKEN}

HAPROXY = """
global
  maxconn 10400
  no strict-limits
  nbthread $workers
defaults
  timeout client 1h
  timeout server 1h
  timeout connect 5s
  timeout http-keep-alive 1h
frontend f
  bind 127.0.0.1:$port backlog 4096
$job
"""
HAPROXY_JOBS = {
    "tiny": """  mode http
  http-request return status 200 content-type text/plain string "ok"
""",
    "proxy": """  default_backend b
backend b
  server s 127.0.0.1:$upstream
"""}

# More than 65535 requests of one connection cannot be had.
LIGHTTPD = """
server.document-root = "$root"
server.bind = "127.0.0.1"
server.port = $port
server.listen-backlog = 4096
server.max-worker = $workers
server.max-connections = 10400
server.max-fds = 20000
server.max-keep-alive-requests = 65535
server.max-keep-alive-idle = 300
server.max-read-idle = 300
server.network-backend = "sendfile"
server.stat-cache-engine = "simple"
server.errorlog = "$folder/error.log"
mimetype.assign = ( "" => "application/octet-stream" )
"""

APACHE_MODULES = "/usr/lib/apache2/modules"
APACHE = """
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule file_cache_module $modules/mod_file_cache.so
ServerRoot $folder
ServerName localhost
DefaultRuntimeDir $folder
PidFile $folder/pid
ErrorLog $folder/error.log
LogLevel error
Listen 127.0.0.1:$port
ListenBacklog 4096
ServerLimit $workers
StartServers $workers
ThreadsPerChild 128
ThreadLimit 128
MaxRequestWorkers $threads
MinSpareThreads 1
MaxSpareThreads $threads
AsyncRequestWorkerFactor 200
MaxConnectionsPerChild 0
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 300
Timeout 300
EnableSendfile On
DocumentRoot $root
<Directory $root>
  Require all granted
  AllowOverride None
</Directory>
$job
"""
if os.geteuid() == 0:
    APACHE += "User nobody\nGroup nogroup\n"

H2O = """
num-threads: $workers
max-connections: 10400
http1-request-timeout: 300
file.etag: ON
listen: { host: 127.0.0.1, port: $port }
hosts:
  default:
    paths:
      "/": { file.dir: $root }
"""
if os.geteuid() == 0:
    H2O += "user: nobody\n"

CADDY = """
{
  admin off
  auto_https off
  grace_period 1s
  log default {
    output discard
  }
  servers {
    protocols h1
    timeouts {
      idle 300s
    }
  }
}
http://:$port {
  bind 127.0.0.1
  $job
}
"""


def nginx(name="nginx", **values):
    return Contender(name, "nginx-light libnginx-mod-stream", NGINX_JOBS, "nginx",
                     lambda at: [at.program, "-e", f"{at.folder}/error.log", "-p", at.folder,
                                 "-c", at.conf], NGINX, "nginx.conf", **values)


def exec_arguments(at):
    return [at.program, "-H", "-R", "-l", "0", "-b", "4096", "-c", "1000", "127.0.0.1",
            str(at.port), at.program_file]


ROWS = [
    Ours("prefork-srv", None, OURS),
    Ours("reuse_port", None, OURS, variant=True, listen=",reuse_port=yes"),
    Ours("no_keeper", None, OURS, variant=True, options=["keep_connections=no"]),
    Ours("with_log", None, OURS, variant=True, options=["log.access=FOLDER/access"]),
    Ours("module", None, {"echo": "module,module=$module"}, variant=True),
    OurProgram("our_gunicorn", "gunicorn", {"wsgi": "--workers 1 --bind fd://3 wsgi:app"},
               "gunicorn", variant=True),
    OurProgram("our_uvicorn", "uvicorn", {
        "asgi": "--log-level warning --no-access-log --fd 3 asgi:app"}, "uvicorn", variant=True),
    Minimal("minimal", None, {"echo": ("echo",), "tiny": ("oneshot", ANSWER),
                              "raw": ("oneshot", REPLY), "speak": ("close-after", SPOKEN)}),
    nginx(),
    nginx("nginx_reuseport", variant=True, reuse_port=" reuseport"),
    nginx("nginx_64k", variant=True, options="proxy_buffer_size 64k;"),
    nginx("nginx_read", variant=True, sendfile="sendfile off;"),  # cheaper for small files
    nginx("nginx_log", variant=True, log="$folder/access.log combined buffer=64k"),
    Contender("haproxy", "haproxy", HAPROXY_JOBS, "haproxy",
              lambda at: [at.program, "-db", "-q", "-f", at.conf], HAPROXY, "haproxy.cfg",
              tasks="threads"),
    Contender("lighttpd", "lighttpd", {"tiny": None, "file": None}, "lighttpd",
              lambda at: [at.program, "-D", "-f", at.conf], LIGHTTPD, "lighttpd.conf"),
    Contender("apache2", "apache2", {"tiny": None, "file": "CacheFile $files"}, "apache2",
              lambda at: [at.program, "-DFOREGROUND", "-d", at.folder, "-f", at.conf], APACHE,
              "apache2.conf", modules=APACHE_MODULES),
    Contender("h2o", "h2o", {"tiny": None, "file": None}, "h2o",
              lambda at: [at.program, "-c", at.conf], H2O, "h2o.conf", tasks="threads"),
    Contender("caddy", "caddy", {"tiny": 'respond "ok"', "file": "root * $root\n  file_server"},
              "caddy", lambda at: [at.program, "run", "--config", at.conf, "--adapter",
                                   "caddyfile"], CADDY, "Caddyfile", tasks=None),
    Contender("hitch", "hitch", {}, "hitch"),  # ends TLS and does nothing else: no job is TLS yet
    Contender("tcpserver", "ucspi-tcp", {"exec": None}, "tcpserver", exec_arguments, tasks=None),
    Contender("socat", "socat", {"exec": None}, "socat", lambda at: [
        at.program, f"TCP-LISTEN:{at.port},bind=127.0.0.1,fork,reuseaddr,backlog=4096",
        f"EXEC:{shlex.quote(at.program_file)},nofork"], tasks=None),
    Contender("gunicorn", "gunicorn", {"wsgi": None}, "gunicorn", lambda at: [
        at.program, "--chdir", at.applications, "--workers", str(at.workers),
        "--bind", f"127.0.0.1:{at.port}", "wsgi:app"]),
    Contender("uvicorn", "uvicorn", {"asgi": None}, "uvicorn", lambda at: [
        at.program, "--app-dir", at.applications, "--workers", str(at.workers),
        "--log-level", "warning", "--no-access-log", "--port", str(at.port), "asgi:app"])]
ALL = {row.name: row for row in ROWS}


def who_can(job):
    """Names of the contenders, variants left out, that do the job."""
    return tuple(row.name for row in ROWS if job in row.jobs and not row.variant)


def packages():
    return sorted({word for row in ROWS if row.package for word in row.package.split()})
