#!/usr/bin/env bash
# stand-ins.sh DOCKER_ENGINE: where no registry can be reached, makes from Debian's packages what docker-compose.yml names
# beside Python and PostgreSQL. Grafana is no Debian package: it is left out.
set -euo pipefail
"$1" --stand-in haproxy:3.0 haproxy "haproxy -W -db -f /usr/local/etc/haproxy/haproxy.cfg"
"$1" --stand-in prom/prometheus:v2.53.3 prometheus "prometheus --config.file=/etc/prometheus/prometheus.yml"
