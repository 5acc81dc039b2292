# The sandbox's base image where a container registry can be reached: Python 3.12, Node 22, and what a shell needs.
FROM node:22-bookworm-slim AS node
FROM python:3.12-slim-bookworm
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    bash ca-certificates curl file git jq less libatomic1 make patch procps ripgrep unzip xz-utils zip \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \
 && useradd --create-home --uid 1000 --shell /bin/bash agent \
 && mkdir -p /workspace /source \
 && chown agent:agent /workspace /source \
 && { python3 -m compileall -q -j 0 /usr/local/lib/python3.12 || true; } \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && node --version && npm --version && python3 --version && git --version && rg --version
ENV LANG=C.UTF-8 \
    PATH=/home/agent/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /workspace
CMD ["bash"]
