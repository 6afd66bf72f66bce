#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# etc/examples/kubernetes.yaml: its numbers agree with each other and with the configuration in it, which the server
# accepts.
set -euo pipefail

if ! python3 -c 'import yaml' 2> /dev/null; then
	echo "python3 or its yaml is not installed, left out"
	exit 77
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# look.py FILE: names what does not agree, and writes the configuration to x.conf
cat > look.py << 'END'
import re
import sys

import yaml

wrong = []


def claim(is_right, what):
    if not is_right:
        wrong.append(what)


def seconds(option):
    """The option's value; the example writes its times in seconds."""
    return int(re.search(rf"^{option} = (\d+)s$", conf, re.M).group(1))


with open(sys.argv[1], encoding="utf-8") as file:
    parts = {part["kind"]: part for part in yaml.safe_load_all(file)}
conf = parts["ConfigMap"]["data"]["prefork-srv.conf"]
deployment = parts["Deployment"]["spec"]
pod = deployment["template"]["spec"]
container, = pod["containers"]
probe = container["readinessProbe"]
ports = {port["name"]: port["containerPort"] for port in container["ports"]}
listens = {int(port): service for port, service in re.findall(r'listen "\*:(\d+)" { service = (\w+)', conf)}
lame_duck, shutdown = seconds("lame_duck"), seconds("shutdown_timeout")

claim(pod["terminationGracePeriodSeconds"] > lame_duck + shutdown + 7, "the grace period is too short")
claim(f"{lame_duck} + {shutdown} + 7 = {lame_duck + shutdown + 7}" in open(sys.argv[1], encoding="utf-8").read(),
      "the comment on the grace period reckons with other times")
claim((probe["periodSeconds"] + probe["timeoutSeconds"]) * probe["failureThreshold"] < lame_duck,
      "the probe finds out too late")
claim(probe["httpGet"]["path"] == "/healthz", "the probe asks for something else")
claim(listens[ports[probe["httpGet"]["port"]]] == "status", "the probe asks another service")
claim(set(listens) == set(ports.values()), "the ports of the container are not those of the listeners")
for port in parts["Service"]["spec"]["ports"]:
    claim(port["targetPort"] in ports, "the service sends to a port that is not there")
labels = deployment["template"]["metadata"]["labels"]
claim(labels == deployment["selector"]["matchLabels"] == parts["Service"]["spec"]["selector"], "the labels differ")
claim(deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0, "an update takes pods away first")
mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
claim(container["command"][-1] == mounts["conf"] + "/prefork-srv.conf", "the configuration is elsewhere")
claim(f'"{mounts["run"]}/' in conf, "the pid file is in no folder that can be written")
with open("x.conf", "w", encoding="utf-8") as file:
    file.write(re.sub(r'"\*:\d+"', '"127.0.0.1:0"', conf))
print("\n".join(wrong))
sys.exit(bool(wrong))
END
python3 look.py "$TOP_SRCDIR/etc/examples/kubernetes.yaml"
"$PREFORK_SRV" -q -t -c x.conf -p "$folder/pid"
# The check sees numbers that do not agree.
sed 's/lame_duck = 5s/lame_duck = 9s/' "$TOP_SRCDIR/etc/examples/kubernetes.yaml" > other.yaml
! python3 look.py other.yaml > said || { echo "a lame_duck that does not fit passes"; exit 1; }
grep -q "grace period is too short" said
