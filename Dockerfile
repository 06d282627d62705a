# Two stages: what builds does not ship. Debian, because PGlite and the tools are tested there.
FROM node:24-bookworm-slim AS build
WORKDIR /weir
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /weir
COPY --from=build --chown=node:node /weir/package.json ./
COPY --from=build --chown=node:node /weir/node_modules ./node_modules
COPY --from=build --chown=node:node /weir/dist ./dist
COPY --from=build --chown=node:node /weir/migrations ./migrations
RUN mkdir -p .weir && chown node:node .weir
USER node
EXPOSE 8000
# Bound to every address inside the container, so Weir insists on webhook secrets and operator keys.
ENV WEIR_SERVER_HTTP_ADDR=0.0.0.0:8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8000/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# No npm in between: the process must get SIGTERM itself.
ENTRYPOINT ["node", "dist/main.js"]
CMD ["start"]
