# Three stages: what builds and what is left out do not ship. Debian, because PGlite and the tools are tested there.
FROM node:24-bookworm-slim AS build
WORKDIR /weir
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build

FROM node:24-bookworm-slim AS production
WORKDIR /weir
COPY package.json package-lock.json ./
# dist/main.js has typebox in it. Source maps and types are for those who build; fs-native-extensions brings
# its library for every platform.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/typebox node_modules/.package-lock.json \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
  && find node_modules/fs-native-extensions/prebuilds -mindepth 1 -maxdepth 1 ! -name 'linux-*' -exec rm -r {} +
COPY --from=build /weir/dist/main.js dist/
COPY --from=build /weir/dist/chunks dist/chunks
COPY --from=build /weir/dist/dashboard dist/dashboard
COPY migrations migrations
RUN find dist -name '*.map' -delete

FROM node:24-bookworm-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="weir" \
  org.opencontainers.image.description="Every accepted purchase becomes exactly one instance" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
# Bound to every address inside the container, so Weir insists on webhook secrets and operator keys.
ENV NODE_ENV=production WEIR_SERVER_HTTP_ADDR=0.0.0.0:8000
WORKDIR /weir
# Owned by root: the process cannot change its own program. Only embedded stores write, to .weir.
COPY --from=production /weir ./
RUN mkdir .weir && chown node:node .weir
# By number, so that Kubernetes can tell that it is not root.
USER 1000:1000
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8000/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# No npm in between: the process must get SIGTERM itself.
ENTRYPOINT ["node", "dist/main.js"]
CMD ["start"]
