# The registry's server, and its client's command line for the health check and for `docker compose exec`.

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY . .
# All dependencies for the compiler, then only those of production; scripts would compile before and link nothing we need.
RUN npm ci --ignore-scripts \
 && npx tsc -b server client \
 && npm ci --omit=dev --ignore-scripts

FROM node:22-bookworm-slim
WORKDIR /app
COPY --from=build /app ./
RUN install -d -o node -g node /var/lib/trust-registry
ENV NODE_ENV=production \
    TRUST_REGISTRY_DATA_DIR=/var/lib/trust-registry \
    # From outside a container its loopback cannot be reached. Without TLS the server refuses this address until
    # TRUST_REGISTRY_ALLOW_INSECURE=true says that nobody else can listen in.
    TRUST_REGISTRY_LISTEN=0.0.0.0:50051
USER node
# The embedded PostgreSQL's data, where no DATABASE_URL is given: without a volume it goes with the container.
VOLUME /var/lib/trust-registry
EXPOSE 50051
# For a server in the clear on the port above; with TLS or another port, give a check of your own (--tls-ca, --address).
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "client/bin/trust-registry.js", "health", "--address", "127.0.0.1:50051"]
# The server itself is process 1: it hears SIGTERM and drains.
CMD ["node", "server/bin/trust-registry-server.js", "serve"]
