# nimctl's own image, for Jobs in a cluster:
#   docker build --tag registry.internal:5000/tools/nimctl:0.1.0 .
# Two images of the same Debian, so that Node.js finds in the second the libraries that it had in the first. Where Docker
# Hub can't be reached, name mirrors of them: --build-arg NODE_IMAGE=… --build-arg BASE_IMAGE=…
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim
ARG BASE_IMAGE=docker.io/library/debian:bookworm-slim

# Without what npm takes for needed and nothing here runs: Node.js as a package, a compiler that valibot would take, and
# what only editors and debuggers read.
FROM ${NODE_IMAGE} AS packages
WORKDIR /nimctl
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev \
 && rm -rf node_modules/.bin node_modules/node-linux-* node_modules/typescript node_modules/@typescript \
 && find node_modules \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -exec rm -f {} +

FROM ${NODE_IMAGE} AS build
WORKDIR /nimctl
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY LICENSE tsconfig.json tsconfig.build.json ./
COPY bin bin
COPY src src
# For every user, whatever the umask was under which the sources were checked out.
RUN npm run build -- --sourceMap false \
 && chmod -R a+rX bin LICENSE package.json

FROM ${BASE_IMAGE}
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates libstdc++6 skopeo \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=packages /nimctl/node_modules /opt/nimctl/node_modules
COPY --from=build /nimctl/bin /opt/nimctl/bin
COPY --from=build /nimctl/dist /opt/nimctl/dist
COPY --from=build /nimctl/package.json /nimctl/LICENSE /opt/nimctl/
RUN ln -s /opt/nimctl/bin/nimctl.js /usr/local/bin/nimctl \
 && ln -s /opt/nimctl/bin/download-to-cache.js /usr/local/bin/download-to-cache

LABEL org.opencontainers.image.title="nimctl" \
      org.opencontainers.image.description="Carries NVIDIA NIM models into clusters without internet" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
# Any user may run it. What must be written besides the model's volume goes to /tmp; a pod with a read-only root mounts an
# emptyDir there. An unknown user has no home of its own.
ENV HOME=/tmp NODE_ENV=production
# As the NIM Operator runs its Jobs.
USER 1000:2000
WORKDIR /tmp
ENTRYPOINT ["nimctl"]
