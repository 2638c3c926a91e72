# The registry's server, and its client's command line for the health check and for `docker compose exec`.

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY . .
# Installs all dependencies to compile, then only those for production. Install scripts are not needed.
# docker build --build-arg COMMIT=$(git rev-parse HEAD): what --version and GetServerInfo tell; unknown without it.
ARG COMMIT=""
RUN npm ci --ignore-scripts \
 && npx tsc -b server client \
 && node client/bundle.mjs \
 && printf %s "$COMMIT" > server/dist/commit \
 && npm ci --omit=dev --ignore-scripts

FROM node:22-bookworm-slim
WORKDIR /app
COPY --from=build /app ./
RUN install -d -o node -g node /var/lib/trust-registry
ENV NODE_ENV=production \
    TRUST_REGISTRY_DATA_DIR=/var/lib/trust-registry \
    # The loopback interface of a container is unreachable from outside. Without TLS the server refuses this address unless
    # TRUST_REGISTRY_ALLOW_INSECURE=true confirms that the network is trusted.
    TRUST_REGISTRY_LISTEN=0.0.0.0:50051
USER node
# The data of the embedded PostgreSQL, used without DATABASE_URL. Without a named volume it is lost with the container.
VOLUME /var/lib/trust-registry
EXPOSE 50051
# For a plaintext server on the port above; with TLS or another port, override the check (--tls-ca, --address).
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "client/bin/trust-registry.js", "health", "--address", "127.0.0.1:50051"]
# The server runs as process 1, so it receives SIGTERM and drains.
CMD ["node", "server/bin/trust-registry-server.js", "serve"]
