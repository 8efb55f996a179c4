#!/usr/bin/env bash
# Runs Maven in batch mode and without colours: some versions write terminal codes even into a file. MVN names another
# program than mvn.
#
#     maven.sh ARGUMENT...
set -euo pipefail
MAVEN_OPTS=-Djansi.mode=strip exec "${MVN:-mvn}" --batch-mode --quiet -Dstyle.color=never "$@"
