# One image: the node and its workers. Its steps also run without a container engine: node tools/rehearse-image.mjs
# Debian, not Alpine: DuckDB's native part is built for glibc.

FROM node:22.23.4-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm install
COPY tsconfig.json tsconfig.build.json ./
COPY tools/build.mjs tools/console.mjs tools/
COPY src src
COPY machines machines
COPY actors actors
RUN node tools/build.mjs && npm prune --omit=dev
# `mayfly` for the entrypoint and for `docker exec`; an empty data folder, so that a new volume belongs to the node's user.
RUN mkdir bin data && ln -s ../dist/src/cli/main.js bin/mayfly

FROM node:22.23.4-bookworm-slim AS runtime
LABEL org.opencontainers.image.title="Mayfly" org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/bin bin
COPY package.json LICENSE ./
COPY --from=build --chown=1000:1000 /app/data /data
ENV NODE_ENV=production PATH=/app/bin:$PATH MAYFLY_HOST=0.0.0.0 MAYFLY_PORT=7464 MAYFLY_DATA_DIR=/data
# The base image's user `node`, by number, so that Kubernetes can see that it is not root.
USER 1000:1000
VOLUME ["/data"]
EXPOSE 7464
# Alive, not ready: engines that replace unhealthy containers must not cut off a node that drains.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.MAYFLY_PORT + '/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["mayfly"]
CMD ["serve"]
